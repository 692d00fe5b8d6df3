import type { Message } from '../message.ts';

/** The `mqf-id` of a message, which may have been given one before. */
export type CopyIds = (message: Message, given: string | undefined) => string | undefined;

/**
 * The `mqf-id` of the messages of one sink: `route/place`, the same in each copy of a message and in no other message. The place is the first
 * of these lists of names in `origin` that the message has all of; undefined when it has none. The route stands before it because two routes
 * may make two different messages of one, and `#2`, `#3` ... behind it when a step has made several of one. A message that has an id already keeps
 * it, but for that number. Asked once for each message, in order.
 */
export function copyIds(route: string, places: readonly (readonly string[])[]): CopyIds {
  let last: Message | undefined;
  let count = 1;
  return ({ received, origin }, given) => {
    count = received === last ? count + 1 : 1;
    last = received;
    let id = given;
    for (let i = 0; id === undefined && i < places.length; i++) id = idAt(route, origin, places[i] as readonly string[]);
    return id === undefined || count === 1 ? id : `${id}#${count}`;
  };
}

function idAt(route: string, origin: Message['origin'], names: readonly string[]): string | undefined {
  let id = route;
  for (const name of names) {
    const part = origin[name];
    if (part === undefined || part === null) return undefined;
    id += `/${part}`;
  }
  return id;
}
