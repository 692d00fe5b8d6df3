import type { Checker } from './check.ts';
import { expression, type Fields, type Infer } from './fields.ts';
import { onErrorFields } from './layout.ts';
import type { ErrorRuleModel } from './model.ts';
import type { MapNode, Node } from './node.ts';
import type { Spot } from './problems.ts';
import type { Sinks } from './sinks.ts';

export const whenFailedField = expression(
  'The entry is for messages of which this is true when they have failed; it may ask for `error.code`, `error.message`, `error.attempts`. Absent, in the last one: for all others. A list: all must hold.',
  { slot: 'boolean', listAll: true, optional: true },
);

const ruleFields = { when: whenFailedField, ...onErrorFields };
// biome-ignore lint/suspicious/noThenProperty: the key that users write; it is never a function.
export const stepRuleFields = { when: whenFailedField, then: onErrorFields.then };
const ways: readonly string[] = ['drop', 'stop'];

/** Checks `onError`: what becomes of messages that failed; one rule, or a list of which the first that holds is taken. */
export class ErrorRules {
  readonly #checker: Checker;
  readonly #sinks: Sinks;

  constructor(checker: Checker, sinks: Sinks) {
    this.#checker = checker;
    this.#sinks = sinks;
  }

  /** The last one takes all that the others do not. */
  async rules(node: Node | undefined, at: Spot): Promise<readonly ErrorRuleModel[]> {
    if (node?.kind !== 'list') return this.#complete([await this.#rule(node, at)], at);
    const { problems } = this.#checker;
    if (node.items.length === 0) problems.error(node, 'missing', 'onError is a list of nothing', 'leave it out: the route stops then');
    const rules: ErrorRuleModel[] = [];
    for (const [index, item] of node.items.entries()) {
      const rule = await this.#rule(item, item);
      if (item.kind === 'map') this.#refuseHidden(item, index === node.items.length - 1);
      rules.push(rule);
    }
    return this.#complete(rules, at);
  }

  /** Of a step, which is never tried again: what no rule takes is left to those of the route. */
  async ofStep(node: Node): Promise<readonly ErrorRuleModel[]> {
    const { problems } = this.#checker;
    const items = node.kind === 'list' ? node.items : [node];
    if (items.length === 0)
      problems.error(node, 'missing', 'onError is a list of nothing', 'leave it out: the onError of the route holds then');
    const rules: ErrorRuleModel[] = [];
    for (const [index, item] of items.entries()) {
      rules.push(await this.#rule(item, item, stepRuleFields));
      if (item.kind !== 'map') continue;
      if (!item.entries.has('then') && !item.entries.has('deadLetter'))
        problems.error(
          item,
          'missing',
          'deadLetter or then is missing',
          'a step is not tried again, so it must say what becomes of the message',
        );
      this.#refuseHidden(item, index === items.length - 1);
    }
    return rules;
  }

  #refuseHidden(item: MapNode, isLast: boolean): void {
    if (isLast || item.entries.has('when')) return;
    const message = 'an entry without `when` takes all that is left, so it must be the last';
    this.#checker.problems.error(item, 'on-error', message, 'give it a `when:`, or move it to the end');
  }

  #complete(rules: ErrorRuleModel[], at: Spot): readonly ErrorRuleModel[] {
    if (rules.at(-1)?.when) rules.push(this.#ruleOf(this.#checker.fields(undefined, ruleFields, at) as Infer<typeof ruleFields>));
    return rules;
  }

  async #rule(node: Node | undefined, at: Spot, known: Fields = ruleFields): Promise<ErrorRuleModel> {
    if (node?.kind === 'scalar' && ways.includes(node.text)) {
      this.#checker.wrongType(node, 'a map for onError', `write \`onError: { then: ${node.text} }\``);
      return this.#ruleOf(this.#checker.fields(undefined, ruleFields, at) as Infer<typeof ruleFields>);
    }
    const fields = this.#checker.fields(node, known, at, { besides: ['deadLetter'], name: 'onError' }) as Infer<typeof ruleFields>;
    const deadNode = node?.kind === 'map' ? node.entries.get('deadLetter')?.value : undefined;
    if (deadNode && fields.then !== undefined)
      this.#checker.problems.error(deadNode, 'one-of', 'onError has both deadLetter and then', 'keep one of them');
    const deadLetter = deadNode && (await this.#sinks.dead(deadNode));
    return { ...this.#ruleOf(fields), ...(deadLetter && { deadLetter }) };
  }

  #ruleOf({ when, retry, then }: Infer<typeof ruleFields>): ErrorRuleModel {
    const { attempts, backoff, maxAge, after } = retry ?? { attempts: 0, backoff: { fromMs: 0, toMs: 0 } };
    const tries = { attempts, backoff, ...(maxAge !== undefined && { maxAgeMs: maxAge }), ...(after !== undefined && { afterMs: after }) };
    return { ...(when && { when }), retry: tries, ...(then && { then }) };
  }
}
