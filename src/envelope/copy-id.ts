import type { Message } from '../message.ts';

/**
 * The `mqf-id` of the messages of a route: `route/place`, the same in each copy of a message and in no other message. The place is the first
 * of these lists of names in `origin` that the message has all of; undefined when it has none. The route stands before it because two routes
 * may make two different messages of one.
 */
export function copyIds(route: string, places: readonly (readonly string[])[]): (message: Message) => string | undefined {
  return ({ origin }) => {
    for (const names of places) {
      let id = route;
      for (const name of names) {
        const part = origin[name];
        if (part === undefined || part === null) {
          id = '';
          break;
        }
        id += `/${part}`;
      }
      if (id !== '') return id;
    }
    return undefined;
  };
}
