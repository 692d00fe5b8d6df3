/** Names of settings whose value could be a secret, for places where no field says so: broken YAML, misspelled keys, query strings. */
const secretName = 'pass(?!ive)|pwd|secret|token|credential|api_?key|private_?key';
const secretNamePattern = new RegExp(secretName, 'i');

export function looksSecret(name: string): boolean {
  return secretNamePattern.test(name);
}

/** The password ends at the last `@`: one that was not percent-encoded may hold any character. */
const userInfo = /(\/\/[^\s/:@]*:)(\S+)@/;
const secretParameter = new RegExp(`([?&;][^=&\\s]*(?:${secretName})[^=&\\s]*=)([^&;\\s]+)`, 'gi');

/** The URL, or comma list of URLs, without its passwords. Other text is left as it is. */
export function redactUrl(url: string): string {
  return urls(url)
    .map((one) => one.replace(userInfo, '$1***@').replace(secretParameter, '$1***'))
    .join(',');
}

/** The passwords in a URL or comma list of URLs, as written and percent-decoded. */
export function urlSecrets(url: string): string[] {
  const found: string[] = [];
  for (const one of urls(url)) {
    const password = userInfo.exec(one)?.[2];
    if (password) found.push(password, decoded(password));
    for (const match of one.matchAll(secretParameter)) found.push(match[2]!, decoded(match[2]!));
  }
  return found;
}

/** Where passwords stand in a line of text. */
export function urlSecretRanges(line: string): (readonly [start: number, end: number])[] {
  const ranges: [number, number][] = [];
  let offset = 0;
  for (const one of urls(line)) {
    const match = userInfo.exec(one);
    if (match) ranges.push([offset + match.index + match[1]!.length, offset + match.index + match[0].length - 1]);
    for (const found of one.matchAll(secretParameter)) {
      const start = offset + found.index + found[1]!.length;
      ranges.push([start, start + found[2]!.length]);
    }
    offset += one.length + 1;
  }
  return ranges;
}

/** The text with each of these values, wherever it occurs, replaced. Very short ones are left: they would make text unreadable. */
export function scrub(text: string, secrets: Iterable<string>): string {
  let clean = text;
  for (const secret of [...secrets].filter((one) => one.length > 2).sort((a, b) => b.length - a.length)) {
    clean = clean.replaceAll(secret, '***');
  }
  return clean;
}

function urls(text: string): string[] {
  return text.split(/,(?=[a-z][a-z0-9+.-]*:\/\/)/i);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign: then it was never encoded
  }
}
