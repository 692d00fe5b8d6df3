/** A JSON tree as XML. */
import { unencodable } from './format.ts';

const depthMax = 100;

/** Of a map with one name, that of the root. */
export function writeXml(value: unknown): Buffer {
  const entries = isMap(value) ? Object.entries(value) : [];
  const [name, root] = entries[0] ?? ['', null];
  if (entries.length !== 1 || Array.isArray(root)) throw unencodable('XML has one root: the body must be a map with one name');
  const out = ['<?xml version="1.0" encoding="UTF-8"?>'];
  writeElement(out, name, root, 1);
  return Buffer.from(out.join(''));
}

function writeElement(out: string[], name: string, value: unknown, depth: number): void {
  if (depth > depthMax) throw unencodable(`the body is nested more than ${depthMax} deep`);
  if (Array.isArray(value)) throw unencodable('a list in a list has no XML');
  out.push('<', checkedName(name));
  const inside: string[] = [];
  if (!isMap(value)) inside.push(escaped(value, inText));
  else for (const [part, item] of Object.entries(value)) writePart(out, inside, part, item, depth);
  const content = inside.join('');
  if (content === '') out.push('/>');
  else out.push('>', content, '</', name, '>');
}

/** Attributes go into the tag, which is still open; all else between the tags. */
function writePart(tag: string[], inside: string[], name: string, value: unknown, depth: number): void {
  if (name === '#text') inside.push(escaped(value, inText));
  else if (name.startsWith('@')) tag.push(' ', checkedName(name.slice(1)), '="', escaped(value, inAttribute), '"');
  else for (const item of Array.isArray(value) ? value : [value]) writeElement(inside, name, item, depth + 1);
}

const xmlName =
  /^[:A-Z_a-z\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{2FF}\u{370}-\u{37D}\u{37F}-\u{1FFF}\u{200C}-\u{200D}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}][-.\d:A-Z_a-z\u{B7}\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{37D}\u{37F}-\u{1FFF}\u{200C}-\u{200D}\u{203F}\u{2040}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}]*$/u;

function checkedName(name: string): string {
  return name.length <= 1000 && xmlName.test(name) ? name : unable('a name of the body is no name in XML');
}

const inText = /[&<>\r]/g;
const inAttribute = /[&<>"\t\n\r]/g;
const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
const noCharacter = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

function escaped(value: unknown, special: RegExp): string {
  if (value === null) return '';
  if (typeof value === 'object') return unable('an attribute and #text hold text, not a map or list');
  const text = String(value);
  if (noCharacter.test(text)) return unable('the body has a character that XML does not have');
  return text.replace(special, (character) => references[character] as string);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unable(sentence: string): never {
  throw unencodable(sentence);
}
