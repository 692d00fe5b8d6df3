import type { AnyConnector } from '../connector.ts';
import type { Checker } from './check.ts';
import type { Fields, Infer } from './fields.ts';
import { endFields } from './layout.ts';
import type { ConnectionModel, EndModel, Registry } from './model.ts';
import { didYouMean } from './nearest.ts';
import { type Node, placesOf } from './node.ts';
import type { Spot } from './problems.ts';
import { redactUrl } from './redact.ts';
import { type Choice, choiceOf, refuseEmpty } from './shapes.ts';

type BreakerValues = NonNullable<Infer<typeof endFields.sink>['breaker']>;

/** An entry of `connections:`; without a model when something is wrong with it, so that ends that name it are not blamed too. */
interface Named {
  readonly connector: string | undefined;
  readonly model: ConnectionModel | undefined;
}

type Side = 'source' | 'sink';

const oneBroker = 'a connection is to one broker: make two of it';
const several: Readonly<Record<Side, string>> = {
  source: 'a route has one source: make two routes of it',
  sink: 'write several sinks as a list: `sink: [ …, … ]`',
};

/** Checks what talks to a broker: the entries of `connections:`, and the two sides of a route. */
export class Ends {
  readonly #checker: Checker;
  readonly #connectors: Registry['connectors'];
  readonly #named = new Map<string, Named>();

  constructor(checker: Checker, connectors: Registry['connectors']) {
    this.#checker = checker;
    this.#connectors = connectors;
  }

  get connections(): ConnectionModel[] {
    return [...this.#named.values()].flatMap(({ model }) => model ?? []);
  }

  /** This name is taken by an entry that could not be read. */
  brokenConnection(name: string): void {
    this.#named.set(name, { connector: undefined, model: undefined });
  }

  async connection(name: string, node: Node, at: Spot): Promise<void> {
    this.brokenConnection(name);
    const choice = choiceOf(
      node,
      { what: 'a connector', names: Object.keys(this.#connectors), several: oneBroker },
      this.#checker.problems,
    );
    const connector = choice && (await this.#load(choice));
    if (!connector || refuseEmpty(choice, this.#checker.problems)) return;
    this.#named.set(name, { connector: connector.name, model: undefined });
    if (!connector.connection) {
      const message = `${connector.name} connects to nothing, so it has no connections`;
      this.#checker.problems.error(choice, 'wrong-type', message, 'leave it out');
      return;
    }
    const wrongsBefore = this.#checker.wrongs;
    const config = this.#checker.fields(choice.value, connector.connection, choice, { name: choice.name });
    if (this.#checker.wrongs > wrongsBefore) return;
    const model = { name, connector, config, at: at.file.place(at.start), places: placesOf(choice.value) };
    this.#named.set(name, { connector: connector.name, model });
  }

  /** `also` may be named beside the connectors. */
  async end(node: Node, side: Side, also?: AnyConnector): Promise<EndModel | undefined> {
    const names = [...Object.keys(this.#connectors), ...(also ? [also.name] : []), 'switch'];
    const choices = { what: `a connector for the ${side}`, names, several: several[side] };
    const choice = choiceOf(node, choices, this.#checker.problems);
    const connector = choice && (choice.name === also?.name ? also : await this.#load(choice, also));
    if (!connector || refuseEmpty(choice, this.#checker.problems)) return undefined;
    const kind = connector[side];
    if (!kind) {
      const hint = side === 'source' ? 'it can only be a sink' : 'it can only be a source';
      this.#checker.problems.error(choice, 'unknown-connector', `${connector.name} cannot be a ${side}`, hint);
      return undefined;
    }
    const fields = { ...(kind.fields as Fields), ...endFields[side] };
    const checked = this.#checker.fields(choice.value, fields, choice, {
      besides: connector.connection ? ['connection'] : [],
      name: choice.name,
      elsewhere: (key) => elsewhere(key, connector, side),
    });
    const { trusted, onUnmappable, breaker, ...own } = checked;
    const connection = this.#connectionOf(choice, connector);
    if (connector.connection && !connection) return undefined;
    return {
      connector,
      config: connection ? { ...own, connection: connection.config } : own,
      at: choice.file.place(choice.start),
      places: new Map([...(connection?.places ?? []), ...placesOf(choice.value)]),
      ...(connection?.name !== undefined && { connectionName: connection.name }),
      ...(trusted !== undefined && { trusted: trusted as boolean }),
      ...(onUnmappable !== undefined && { onUnmappable: onUnmappable as NonNullable<EndModel['onUnmappable']> }),
      ...(breaker !== undefined && { breaker: this.#breaker(breaker as BreakerValues, choice) }),
    };
  }

  #breaker({ failures, openFor }: BreakerValues, choice: Choice): NonNullable<EndModel['breaker']> {
    const at = choice.value?.kind === 'map' ? choice.value.entries.get('breaker')?.value : undefined;
    if (openFor === 0)
      this.#checker.problems.error(
        at ?? choice,
        'breaker',
        'openFor of the breaker is 0',
        'leave out breaker: then a sink is never left alone',
      );
    return { failures, openForMs: openFor };
  }

  #connectionOf(
    choice: Choice,
    connector: AnyConnector,
  ): (Partial<Pick<ConnectionModel, 'name'>> & Pick<ConnectionModel, 'config' | 'places'>) | undefined {
    const fields = connector.connection as Fields | undefined;
    if (!fields) return undefined;
    const node = choice.value?.kind === 'map' ? choice.value.entries.get('connection')?.value : undefined;
    if (node?.kind === 'map') return { config: this.#checker.fields(node, fields, node, { name: 'connection' }), places: placesOf(node) };
    if (node === undefined) return this.#noConnection(choice, connector, fields);
    const scalar = this.#checker.scalar(node, 'connection', 'name an entry of `connections:`, or write the settings in its place');
    return scalar && this.#lookUp(scalar.text, scalar, connector.name);
  }

  /** A connector whose connection has a default for everything may do without. */
  #noConnection(choice: Choice, connector: AnyConnector, fields: Fields): Pick<ConnectionModel, 'config' | 'places'> | undefined {
    const needed = Object.values(fields).some(
      ({ kind, options }) => !options.optional && options.default === undefined && kind.kind !== 'group',
    );
    if (!needed) return { config: this.#checker.fields(undefined, fields, choice), places: new Map() };
    const hint = `name an entry of \`connections:\`${this.#namesOf(connector.name)}, or write the settings in its place`;
    this.#checker.problems.error(choice, 'missing', 'connection is missing', hint);
    return undefined;
  }

  #lookUp(name: string, at: Spot, connector: string): ConnectionModel | undefined {
    const named = this.#named.get(name);
    const ofThisKind = [...this.#named].filter(([, one]) => one.connector === connector).map(([one]) => one);
    if (!named) {
      const hint = didYouMean(name, ofThisKind) ?? didYouMean(name, this.#named.keys()) ?? this.#listOf(ofThisKind, connector);
      this.#checker.problems.error(at, 'unknown-connection', `there is no connection "${redactUrl(name)}"`, hint);
    } else if (named.connector !== undefined && named.connector !== connector) {
      const hint = didYouMean(name, ofThisKind) ?? this.#listOf(ofThisKind, connector);
      this.#checker.problems.error(
        at,
        'unknown-connection',
        `the connection "${name}" is of ${named.connector}, not of ${connector}`,
        hint,
      );
    } else return named.model;
    return undefined;
  }

  #namesOf(connector: string): string {
    const names = [...this.#named].filter(([, one]) => one.connector === connector).map(([name]) => name);
    return names.length > 0 ? ` (${names.slice(0, 6).join(', ')})` : '';
  }

  #listOf(names: readonly string[], connector: string): string {
    if (names.length > 0) return `connections of ${connector}: ${names.slice(0, 6).join(', ')}`;
    return `add it to \`connections:\`, or write the settings in its place`;
  }

  async #load(choice: Choice, also?: AnyConnector): Promise<AnyConnector | undefined> {
    const { problems } = this.#checker;
    if (!Object.hasOwn(this.#connectors, choice.name)) {
      const names = [...Object.keys(this.#connectors), ...(also ? [also.name] : [])];
      const hint = hintFor(choice.name) ?? didYouMean(choice.name, names) ?? `there are: ${names.join(', ')}`;
      problems.error(choice, 'unknown-connector', `there is no connector "${redactUrl(choice.name)}"`, hint);
      return undefined;
    }
    try {
      return await this.#connectors[choice.name]!();
    } catch (error) {
      problems.error(choice, 'connector-broken', `the connector ${choice.name} cannot be loaded: ${(error as Error).message}`);
      return undefined;
    }
  }
}

/** For what is a connector elsewhere, or in the words of others. */
function hintFor(name: string): string | undefined {
  if (name === 'switch') return 'a switch cannot stand here: what fails goes to one sink';
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(name)
    ? 'an address is the `url` of a connector: write `rabbitmq: { url: … }` or the like'
    : undefined;
}

/** The place that a key has in a config, when it is known to this connector but not here. */
function elsewhere(key: string, { name, connection, source, sink }: AnyConnector, side: Side): string | undefined {
  const other = side === 'source' ? sink : source;
  if (connection && Object.hasOwn(connection, key)) return `it belongs to the connection: write \`connection: { ${key}: … }\``;
  if (other && Object.hasOwn(other.fields, key)) return `it is for a ${name} ${side === 'source' ? 'sink' : 'source'}`;
  return key === 'connection' && !connection ? `${name} connects to nothing: leave it out` : undefined;
}
