import type { AnyConnector } from '../connector.ts';
import type { Checker } from './check.ts';
import type { Fields, Infer } from './fields.ts';
import { endFields } from './layout.ts';
import type { ConnectionModel, EndModel, Registry } from './model.ts';
import { didYouMean } from './nearest.ts';
import type { Node } from './node.ts';
import type { Spot } from './problems.ts';
import { type Choice, choiceOf, refuseEmpty } from './shapes.ts';

type BreakerValues = NonNullable<Infer<typeof endFields.sink>['breaker']>;

/** An entry of `connections:`; without a model when something is wrong with it, so that ends that name it are not blamed too. */
interface Named {
  readonly connector: string | undefined;
  readonly model: ConnectionModel | undefined;
}

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
    const choice = choiceOf(node, 'a connector', this.#checker.problems);
    const connector = choice && (await this.#load(choice));
    if (!connector || refuseEmpty(choice, this.#checker.problems)) return;
    this.#named.set(name, { connector: connector.name, model: undefined });
    if (!connector.connection) {
      this.#checker.problems.error(choice, 'wrong-type', `${connector.name} connects to nothing, so it has no connections`);
      return;
    }
    const config = this.#checker.fields(choice.value, connector.connection, choice);
    this.#named.set(name, { connector: connector.name, model: { name, connector, config, at: at.file.place(at.start) } });
  }

  /** `also` may be named beside the connectors. */
  async end(node: Node, side: 'source' | 'sink', also?: AnyConnector): Promise<EndModel | undefined> {
    const choice = choiceOf(node, `a connector for the ${side}`, this.#checker.problems);
    const connector = choice && (choice.name === also?.name ? also : await this.#load(choice, also));
    if (!connector || refuseEmpty(choice, this.#checker.problems)) return undefined;
    const kind = connector[side];
    if (!kind) {
      const hint = side === 'source' ? 'it can only be a sink' : 'it can only be a source';
      this.#checker.problems.error(choice, 'unknown-connector', `${connector.name} cannot be a ${side}`, hint);
      return undefined;
    }
    const fields = { ...(kind.fields as Fields), ...endFields[side] };
    const checked = this.#checker.fields(choice.value, fields, choice, connector.connection ? ['connection'] : []);
    const { trusted, onUnmappable, breaker, ...own } = checked;
    const connection = this.#connectionOf(choice, connector);
    return {
      connector,
      config: connection ? { ...own, connection: connection.config } : own,
      at: choice.file.place(choice.start),
      ...(connection?.name !== undefined && { connectionName: connection.name }),
      ...(trusted !== undefined && { trusted: trusted as boolean }),
      ...(onUnmappable !== undefined && { onUnmappable: onUnmappable as NonNullable<EndModel['onUnmappable']> }),
      ...(breaker !== undefined && { breaker: this.#breaker(breaker as BreakerValues, choice) }),
    };
  }

  #breaker({ failures, openFor }: BreakerValues, choice: Choice): NonNullable<EndModel['breaker']> {
    if (openFor === 0)
      this.#checker.problems.error(choice, 'breaker', 'openFor of the breaker is 0', 'leave out breaker: then a sink is never left alone');
    return { failures, openForMs: openFor };
  }

  #connectionOf(choice: Choice, connector: AnyConnector): { name?: string; config: Readonly<Record<string, unknown>> } | undefined {
    const fields = connector.connection as Fields | undefined;
    if (!fields) return undefined;
    const node = choice.value?.kind === 'map' ? choice.value.entries.get('connection')?.value : undefined;
    if (node?.kind === 'map') return { config: this.#checker.fields(node, fields, node) };
    if (node === undefined) return this.#noConnection(choice, connector, fields);
    const scalar = this.#checker.scalar(node, 'connection');
    const named = scalar && this.#lookUp(scalar.text, scalar, connector.name);
    return named && { name: named.name, config: named.config };
  }

  /** A connector whose connection has a default for everything may do without. */
  #noConnection(choice: Choice, connector: AnyConnector, fields: Fields): { config: Record<string, unknown> } | undefined {
    const needed = Object.values(fields).some(
      ({ kind, options }) => !options.optional && options.default === undefined && kind.kind !== 'group',
    );
    if (!needed) return { config: this.#checker.fields(undefined, fields, choice) };
    const hint = `name an entry of \`connections:\`${this.#namesOf(connector.name)}, or write the settings in its place`;
    this.#checker.problems.error(choice, 'missing', 'connection is missing', hint);
    return undefined;
  }

  #lookUp(name: string, at: Spot, connector: string): ConnectionModel | undefined {
    const named = this.#named.get(name);
    const ofThisKind = [...this.#named].filter(([, one]) => one.connector === connector).map(([one]) => one);
    if (!named) {
      const hint = didYouMean(name, ofThisKind) ?? didYouMean(name, this.#named.keys()) ?? this.#listOf(ofThisKind, connector);
      this.#checker.problems.error(at, 'unknown-connection', `there is no connection "${name}"`, hint);
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
      const hint = didYouMean(choice.name, names) ?? `there are: ${names.join(', ')}`;
      problems.error(choice, 'unknown-connector', `there is no connector "${choice.name}"`, hint);
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
