/** What becomes of messages that a step is told to keep out. */
import { type Fields, oneOf } from '../config/fields.ts';
import type { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import type { Aside } from './step.ts';

export const shedding = {
  // biome-ignore lint/suspicious/noThenProperty: the key that users write, as in onError; it is never a function.
  then: oneOf('`drop`: they are dropped and counted. `fail`: they go the way of `onError`, e.g. to the dead letter.', ['drop', 'fail'], {
    default: 'fail',
  }),
} satisfies Fields;

/** Never returns a message: it does not go on. */
export function setAside(message: Message, aside: Aside, then: 'drop' | 'fail', error: MqferryError): null {
  if (then === 'fail') throw error;
  aside.drop(message);
  return null;
}
