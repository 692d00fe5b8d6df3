import type { Message } from '../message.ts';

/**
 * A reply-to that is meant for the target, not the one that the source's broker gave, says so by being another than was received. Behind a
 * buffer all that is stored was received: there it stands in this header meanwhile.
 */
const name = 'mqf-meant-reply-to';

/** On the way into a buffer. */
export function keepMeant(message: Message): Message {
  const { replyTo, received } = message;
  if (replyTo === undefined || replyTo === received.replyTo) return message;
  return message.change({ replyTo: undefined, headers: [...message.headers, [name, replyTo]] });
}

/** On the way out. */
export function takeMeant(message: Message): Message {
  const replyTo = message.header(name);
  if (typeof replyTo !== 'string') return message;
  return message.change({ replyTo, headers: message.headers.filter(([one]) => one !== name) });
}
