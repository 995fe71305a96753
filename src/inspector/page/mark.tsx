/** Cube's mark. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path class="mark-left" d="M4 9v14l12 7V16z" />
      <path class="mark-right" d="M28 9v14l-12 7V16z" />
      <path class="mark-top" d="M16 2 28 9l-12 7L4 9z" />
    </svg>
  );
}
