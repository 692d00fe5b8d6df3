/** CEL as mqferry has it: its names, functions, operators and limits. */
import { Environment } from '@marcbachmann/cel-js';
import { bits } from './functions/bits.ts';
import { celDocs } from './functions/cel.ts';
import { encoding, registerOrderOfBytes } from './functions/encoding.ts';
import { hashes } from './functions/hashes.ts';
import { lists } from './functions/lists.ts';
import { maps } from './functions/maps.ts';
import { numbers, registerMixedNumbers } from './functions/numbers.ts';
import { patterns } from './functions/patterns.ts';
import { presenceDocs, registerPresence } from './functions/presence.ts';
import { type Described, type Entry, register, registerNamespaces } from './functions/registry.ts';
import { text } from './functions/text.ts';
import { time } from './functions/time.ts';
import { topics } from './functions/topics.ts';
import { registerTwoVariables, twoVariableDocs } from './functions/two-variables.ts';
import { variables } from './names.ts';

const limits = { maxAstNodes: 1000, maxDepth: 60, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 };

const ours: readonly (readonly [title: string, entries: readonly Entry[]])[] = [
  ['Text', text],
  ['Patterns', patterns],
  ['Topics', topics],
  ['Numbers', [...numbers, ...bits]],
  ['Lists and sizes', lists],
  ['Maps', maps],
  ['Times', time],
  ['Encodings', encoding],
  ['Hashes and ids', hashes],
];

/** All functions there are, by what they are about. */
export const functionDocs: readonly (readonly [title: string, functions: readonly Described[]])[] = [
  ['What may be missing', presenceDocs],
  ['Of CEL itself', celDocs],
  ['Loops with two names', twoVariableDocs],
  ...ours.map(([title, entries]) => [title, entries.map(([signature, doc, example]) => [signature, doc, example] as const)] as const),
];

export const environment = build();

function build(): Environment {
  const built = new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false, enableOptionalTypes: true, limits });
  for (const [name, [type]] of Object.entries(variables)) built.registerVariable(name === 'type' ? 'message_type' : name, type);
  registerNamespaces(built);
  registerPresence(built);
  registerTwoVariables(built);
  registerMixedNumbers(built);
  registerOrderOfBytes(built);
  for (const [, entries] of ours) register(built, entries);
  return built;
}
