/** The changes that one step makes to one message, so that it is copied once. */
import type { Header, Message, Properties } from '../message.ts';
import { bodyChange, type Change, JsonDraft } from './json.ts';
import type { Target } from './target.ts';
import { headerValue, keyValue, propertyValue } from './values.ts';

export class Draft {
  readonly #message: Message;
  #changes: Change = {};
  #headers: Header[] | undefined;
  #json: JsonDraft | undefined;

  constructor(message: Message) {
    this.#message = message;
  }

  /** Null removes. A content type that is set wins over the one that comes with a JSON body. */
  set(target: Target, value: unknown): void {
    switch (target.kind) {
      case 'key':
        this.#changes.key = keyValue(value);
        break;
      case 'body':
        this.#changes = { ...bodyChange(value), ...this.#changes };
        break;
      case 'property':
        this.#setProperty(target.name, propertyValue(target.name, value));
        break;
      case 'header':
        this.#setHeader(target.name, value);
        break;
      case 'path':
        this.#json ??= new JsonDraft(this.#message);
        if (value === null) this.#json.remove(target.path);
        else this.#json.set(target.path, value);
    }
  }

  finish(): Message {
    return this.#message.change({
      ...this.#changes,
      ...(this.#headers && { headers: this.#headers }),
      ...this.#json?.change(),
    });
  }

  #setProperty(name: keyof Properties, value: Properties[keyof Properties]): void {
    Object.assign(this.#changes, { [name]: value });
  }

  /** In the place of the first of this name; the others go. */
  #setHeader(name: string, value: unknown): void {
    const before = this.#headers ?? this.#message.headers;
    const place = before.findIndex(([other]) => other === name);
    const after = before.filter(([other], i) => other !== name || (i === place && value !== null));
    if (value !== null && place < 0) after.push([name, headerValue(name, value)]);
    else if (value !== null) after[place] = [name, headerValue(name, value)];
    this.#headers = after;
  }
}
