import type { Carries, Kept, Slot } from '../carries.ts';
import { type Header, type HeaderValue, type Message, type Properties, propertyNames } from '../message.ts';
import { headerOfProperty } from './names.ts';

type Name = keyof Properties;

interface Checked {
  readonly name: Name;
  readonly slot: Slot<unknown>;
  readonly keeps: (value: unknown) => Kept;
}

/** How the properties of a message fit into the slots of one target. */
export class SlotRules {
  /** Without a slot there. */
  readonly homeless: readonly Name[];
  readonly #checked: readonly Checked[];

  constructor({ properties, slots = {} }: Carries) {
    this.homeless = propertyNames.filter((name) => !properties.includes(name));
    this.#checked = properties.flatMap((name) => {
      const slot = slots[name] as Slot<unknown> | undefined;
      return slot?.keeps === undefined ? [] : [{ name, slot, keeps: slot.keeps }];
    });
  }

  /** The first property that its slot does not take, in words. */
  refused(message: Message): string | undefined {
    for (const { name, slot, keeps } of this.#checked) {
      const value = message[name];
      if (value !== undefined && keeps(value) === 'not') return `this value of the property ${name} (${slot.name}: ${slot.but})`;
    }
    return undefined;
  }

  /** The properties that are there and must go by a header alone. */
  leaving(message: Message): Name[] {
    const names: Name[] = [];
    for (const name of this.homeless) if (message[name] !== undefined) names.push(name);
    for (const { name, keeps } of this.#checked) {
      const value = message[name];
      if (value !== undefined && keeps(value) === 'not') names.push(name);
    }
    return names;
  }

  /** The headers with the exact value of what a slot holds nearly; undefined when there is nothing like that. */
  exact(message: Message, isTyped: boolean): Header[] | undefined {
    let headers: Header[] | undefined;
    for (const { name, keeps } of this.#checked) {
      const value = message[name];
      if (value === undefined || keeps(value) !== 'nearly') continue;
      headers ??= [];
      headers.push([headerOfProperty[name], isTyped ? (value as HeaderValue) : String(value)]);
    }
    return headers;
  }
}
