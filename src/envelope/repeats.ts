import type { Header, Headers, HeaderValue } from '../message.ts';
import { isStamp } from './names.ts';

/** The same header name stands before. */
export function isRepeat(headers: Headers, index: number): boolean {
  const name = (headers[index] as Header)[0];
  for (let i = 0; i < index; i++) if ((headers[i] as Header)[0] === name) return true;
  return false;
}

/** Whether two of the headers are sent by one name. */
export function haveRepeats(headers: Headers, wireName: (name: string) => string): boolean {
  for (let i = 1; i < headers.length; i++) {
    const name = wireName((headers[i] as Header)[0]);
    for (let j = 0; j < i; j++) if (wireName((headers[j] as Header)[0]) === name) return true;
  }
  return false;
}

interface Group {
  /** By which they are sent. */
  readonly name: string;
  readonly values: readonly HeaderValue[];
  /** Where the values stand among all headers; undefined when that is behind each other, in every group. */
  readonly places: readonly number[] | undefined;
}

/** The headers, those of one name together. */
export function grouped(headers: Headers, wireName: (name: string) => string): readonly Group[] {
  const groups = new Map<string, { readonly name: string; readonly values: HeaderValue[]; readonly places: number[] }>();
  let place = 0;
  for (const [name, value] of headers) {
    if (isStamp(name)) continue;
    const wire = wireName(name);
    const group = groups.get(wire) ?? { name: wire, values: [], places: [] };
    group.values.push(value);
    group.places.push(place++);
    groups.set(wire, group);
  }
  const all = [...groups.values()];
  const areTogether = all.flatMap(({ places }) => places).every((one, i) => one === i);
  return areTogether ? all.map(({ name, values }) => ({ name, values, places: undefined })) : all;
}
