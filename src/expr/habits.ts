/** What people write who come from other languages, or from another bridge. */

/** Names that stand for others. */
export const instead: Readonly<Record<string, string>> = {
  headers: 'header',
  topic: 'origin.topic',
  exchange: 'origin.exchange',
  partition: 'origin.partition',
  offset: 'origin.offset',
  payload: 'body',
  message: 'body',
  msg: 'body',
  properties: 'id, type, correlationId ...',
};

/** What stands where the expression should have ended. */
const habits: readonly (readonly [RegExp, string])[] = [
  [/^=(?!=)/, 'use == to compare'],
  [/^&(?!&)|^and\b/i, 'use && for "and"'],
  [/^\|(?!\|)|^or\b/i, 'use || for "or"'],
  [/^`/, 'write ["name"] for a name with special characters'],
  [/^\$/, 'there is no $ in expressions: the body is `body`, its parts `body.a.b`'],
  [/^\/\*|^\*\/|^\* /, 'a comment begins with // and ends with its line'],
];

/** `before` and `rest`: the text on either side of where the error is. */
export function habitOf(rest: string, before: string): string | undefined {
  const habit = habits.find(([pattern]) => pattern.test(rest))?.[1];
  return habit ?? (/\bnot\s+$/i.test(before) ? 'use ! for "not"' : undefined);
}
