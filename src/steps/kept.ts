/** What all stages have in common: how much they may keep. */

import { size, whole } from '../config/fields.ts';
import { sizeText } from '../config/values.ts';

export const keptFields = {
  maxMessages: whole('Messages that it keeps, at most. When it is full, nothing more is read.', {
    default: 10_000_000,
    min: 1,
    advanced: true,
  }),
  maxBytes: size('Bytes of its files, at most. When it is full, nothing more is read.', { default: 1024 * 1024 * 1024, advanced: true }),
} as const;

export function limitsText({ maxBytes }: { readonly maxBytes: number }): string {
  return `at most ${sizeText(maxBytes)}`;
}
