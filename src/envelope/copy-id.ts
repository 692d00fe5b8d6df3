import type { Message } from '../message.ts';

/** The `mqf-id` of a message, which may have been given one before. */
export type CopyIds = (message: Message, given: string | undefined) => string | undefined;

/**
 * The `mqf-id` of the messages of one sink: `route/place`, the same in each copy of a message and in no other message. The place is the first
 * of these lists of names in `origin` that the message has all of; undefined when it has none. The route stands before it because two routes
 * may make two different messages of one, and `#1`, `#2` ... behind it when a step has made several of one. A message that has an id already
 * keeps it, but for that number.
 */
export function copyIds(route: string, places: readonly (readonly string[])[]): CopyIds {
  const ids = places.map((names) => idAt(route, names));
  return ({ origin, part }, given) => {
    let id = given;
    for (let i = 0; id === undefined && i < ids.length; i++) id = (ids[i] as IdAt)(origin);
    return id === undefined || part === '' ? id : id + part;
  };
}

type IdAt = (origin: Message['origin']) => string | undefined;

/** All names but the last stay the same for long (topic, partition): what they make is kept, so that an id is one addition. */
function idAt(route: string, names: readonly string[]): IdAt {
  const [outer, inner] = [names.slice(0, -1), names.at(-1) as string];
  let parts: readonly unknown[] = [];
  let prefix = route;
  return (origin) => {
    const place = origin[inner];
    if (isAbsent(place)) return undefined;
    let isSame = true;
    for (let i = 0; i < outer.length; i++) {
      const part = origin[outer[i] as string];
      if (isAbsent(part)) return undefined;
      if (part !== parts[i]) isSame = false;
    }
    if (!isSame) {
      parts = outer.map((name) => origin[name]);
      prefix = [route, ...parts].join('/');
    }
    return `${prefix}/${place}`;
  };
}

function isAbsent(part: Message['origin'][string] | undefined): boolean {
  return part === undefined || part === null;
}
