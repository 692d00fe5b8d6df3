import type { Shown } from './fields.ts';
import { placeInside } from './inside.ts';
import type { Part, ScalarNode } from './node.ts';
import { scrub } from './redact.ts';

/** {@link shownParts} of a text that stands in the config. */
export function shownScalar(node: ScalarNode, secrets: ReadonlySet<string>, parts: readonly Part[] = node.parts): Shown {
  return { ...shownParts(parts, secrets), place: (offset) => node.file.place(placeInside(node, offset, parts)) };
}

/** How a text made of these parts is printed, wherever it is: with the `${…}` in place of what was filled in, and without the known secrets. */
export function shownParts(parts: readonly Part[], secrets: ReadonlySet<string>): Shown {
  const pieces = parts.map(({ text, filled, shown }) => ({ text, shown: filled ? shown : scrub(shown, secrets) }));
  return {
    text: pieces.map(({ shown }) => shown).join(''),
    at(offset) {
      let passed = 0;
      let at = 0;
      for (const { text, shown } of pieces) {
        if (offset < passed + text.length) return text === shown ? at + offset - passed : at;
        passed += text.length;
        at += shown.length;
      }
      return at;
    },
  };
}

/** What an error says of this text, without those of its quotes that are no part of what may be shown: a piece of a secret is one, too. */
export function shownError(message: string, { text }: Shown): string {
  return message.replace(/([`"])(.*?)\1/gs, (whole, mark: string, quoted: string) => (text.includes(quoted) ? whole : `${mark}…${mark}`));
}
