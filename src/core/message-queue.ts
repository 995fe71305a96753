/** Messages that come by themselves, read one by one; their source is held up while too much waits. Used at both ends of `/v1/exec`. */

/** One message. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

/** What came and was not read yet. */
export class MessageQueue {
  readonly #bytesMax: number;
  readonly #source: { pause(): void; resume(): void };
  readonly #messages: Message[] = [];
  #bytes = 0;
  #held = false;
  #over = false;
  #wake: () => void = () => undefined;

  /** @param bytesMax with more than that waiting the source is paused; what it has read already may still come */
  constructor(bytesMax: number, source: { pause(): void; resume(): void }) {
    this.#bytesMax = bytesMax;
    this.#source = source;
  }

  /** Takes a message; after the end it is dropped. */
  push(message: Message): void {
    if (this.#over) return;
    this.#messages.push(message);
    this.#bytes += message.bytes.length;
    this.#flow();
    this.#wake();
  }

  /** The next message, undefined when there will be none. To be asked one after the other. */
  async next(): Promise<Message | undefined> {
    while (this.#messages.length === 0 && !this.#over) await new Promise<void>((resolve) => (this.#wake = resolve));
    const message = this.#messages.shift();
    this.#bytes -= message?.bytes.length ?? 0;
    this.#flow();
    return message;
  }

  /** Nothing more comes; what waits can still be read. */
  end(): void {
    this.#over = true;
    this.#wake();
  }

  /** Nobody reads any more: what waits is dropped, and the source runs free. */
  drop(): void {
    this.#messages.length = 0;
    this.#bytes = 0;
    this.#flow();
    this.end();
  }

  #flow(): void {
    const hold = this.#bytes > this.#bytesMax;
    if (hold === this.#held) return;
    this.#held = hold;
    if (hold) this.#source.pause();
    else this.#source.resume();
  }
}
