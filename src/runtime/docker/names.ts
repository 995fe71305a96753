/** Names of images, in the short form the engine shows: Docker Hub's own parts left out. */

/** An image's repository: its name without tag and digest. */
export function repositoryOf(image: string): string {
  return partsOf(image).repository;
}

/** `repository:tag` or `repository@digest`; the same for all ways to write a name. */
export function shortName(image: string): string {
  const { repository, tag, digest } = partsOf(image);
  return digest === undefined ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`;
}

function partsOf(image: string): { readonly repository: string; readonly tag?: string; readonly digest?: string } {
  const [name = '', digest] = image.split('@', 2);
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const long = colon < 0 ? name : name.slice(0, colon);
  const repository = long.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
  return { repository, ...(colon < 0 ? {} : { tag: name.slice(colon + 1) }), ...(digest === undefined ? {} : { digest }) };
}
