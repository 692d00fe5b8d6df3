/** Names of settings whose value could be a secret, for places where no field says so: broken YAML, misspelled keys, query strings. */
const secretName = /pass(?!ive)|pwd|secret|token|credential|api_?key|private_?key/i;

export function looksSecret(name: string): boolean {
  return secretName.test(name);
}

/** What comes before a password in a URL. It ends at the last `@`: one that was not percent-encoded may hold any character. */
const userInfo = /\/\/[^\s/:@]*:/;
const parameter = /[?&;]([^=?&;\s]*)=([^&;\s]+)/g;

/** The URL, or comma list of URLs, without its passwords. Other text is left as it is. */
export function redactUrl(url: string): string {
  let shown = '';
  let at = 0;
  for (const [start, end] of urlSecretRanges(url)) {
    shown += `${url.slice(at, start)}***`;
    at = end;
  }
  return shown + url.slice(at);
}

/** The passwords in a URL or comma list of URLs, as written and percent-decoded. */
export function urlSecrets(url: string): string[] {
  return urlSecretRanges(url).flatMap(([start, end]) => {
    const found = url.slice(start, end);
    return [found, decoded(found)];
  });
}

export type Range = readonly [start: number, end: number];

/** Where passwords stand in a line of text. Takes linear time: the line may be as long as a file. */
export function urlSecretRanges(line: string): Range[] {
  const ranges: Range[] = [];
  let offset = 0;
  for (const one of urls(line)) {
    for (const { 0: word, index } of one.matchAll(/\S+/g)) ranges.push(...rangesInWord(word, offset + index));
    offset += one.length + 1;
  }
  return joined(ranges);
}

/** The ranges in order, as one where they touch or overlap. */
export function joined(ranges: Range[]): Range[] {
  const result: [start: number, end: number][] = [];
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

function rangesInWord(word: string, offset: number): Range[] {
  const ranges: Range[] = [];
  const user = userInfo.exec(word);
  const start = user ? user.index + user[0].length : word.length;
  const at = word.lastIndexOf('@');
  if (at > start) ranges.push([offset + start, offset + at]);
  for (const { 0: whole, 1: name = '', 2: value = '', index } of word.matchAll(parameter)) {
    const end = offset + index + whole.length;
    if (looksSecret(name)) ranges.push([end - value.length, end]);
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
