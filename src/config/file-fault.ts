const faults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file: a part of its path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'this is a folder',
  ELOOP: 'this is a link that leads back to itself',
  ENAMETOOLONG: 'the name is too long for a file',
};

/** Why a file cannot be read, for somebody who does not know the codes of the system. */
export function fileFault(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && faults[code]) || code || message;
}
