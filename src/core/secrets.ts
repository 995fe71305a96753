/** What counts as a secret wherever things are shown or written down: by the name of a field, and by the form of a text. */

const names = /token|authorization|secret|password|passwd|passphrase|ticket|cookie|credential|private_?key|api_?key/i;
const environments = /^(?:env|environ|environment)$/i;
/** `Bearer …` as in headers, and what follows `ticket=`, `token=` and the like in URLs. */
const texts = /\b(bearer\s+)[\w.~+/=-]+|([?&#](?:ticket|token|secret|password)=)[^&\s"'#]+/gi;

/** Whether a field of this name holds a secret, or an environment, which may hold some. */
export function isSecretName(name: string): boolean {
  return names.test(name) || environments.test(name);
}

/** A text with the credentials in headers and URLs replaced. */
export function withoutSecrets(text: string, replacement: string): string {
  return text.replace(texts, (_whole, header?: string, query?: string) => `${header ?? query ?? ''}${replacement}`);
}
