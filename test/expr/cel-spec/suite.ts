/** The tests of the CEL specification (v0.25.1, as @bufbuild/cel-spec ships them), run through mqferry's expressions. */
import type { SimpleTest } from '@bufbuild/cel-spec/cel/expr/conformance/test/simple_pb.js';
import type { Value } from '@bufbuild/cel-spec/cel/expr/value_pb.js';
import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { compileExpression } from '../../../src/expr/index.ts';
import { Message } from '../../../src/message.ts';

/** One test, called by its file, its section and its own name. */
export interface SpecTest {
  readonly file: string;
  readonly name: string;
  readonly test: SimpleTest;
}

export function specTests(): SpecTest[] {
  return getConformanceSuite().suites.flatMap((file) => testsOf(file, file.name, []));
}

function testsOf({ tests, suites }: IncrementalTestSuite, file: string, path: readonly string[]): SpecTest[] {
  const own = tests.map(({ name, original }) => ({ file, name: [file, ...path, name].join('/'), test: original }));
  return [...own, ...suites.flatMap((suite) => testsOf(suite, file, [...path, suite.name]))];
}

/** What mqferry makes of it: undefined when that is what the specification says, else what it is instead. */
export function difference({ expr, resultMatcher }: SimpleTest): string | undefined {
  const wantsError = resultMatcher.case === 'evalError' || resultMatcher.case === 'anyEvalErrors';
  let found: unknown;
  try {
    found = compileExpression(expr, 'any')(new Message({ body: null }));
  } catch (error) {
    return wantsError ? undefined : (error as Error).message;
  }
  if (wantsError) return `no error, but ${shown(found)}`;
  const wanted =
    resultMatcher.case === 'value' ? resultMatcher.value : resultMatcher.case === 'typedResult' ? resultMatcher.value.result : undefined;
  return same(found, wanted) ? undefined : shown(found);
}

/** Without an expectation a test expects true. A number is a number, whatever its type is called there. */
function same(found: unknown, wanted: Value | undefined): boolean {
  if (wanted === undefined) return found === true;
  const { kind } = wanted;
  switch (kind.case) {
    case 'int64Value':
    case 'uint64Value':
      return sameWhole(found, kind.value);
    case 'doubleValue':
      return typeof found === 'number' && (Object.is(found, kind.value) || found === kind.value);
    case 'nullValue':
      return found === null;
    case 'bytesValue':
      return Buffer.isBuffer(found) && found.equals(kind.value);
    case 'listValue':
      return Array.isArray(found) && found.length === kind.value.values.length && kind.value.values.every((one, i) => same(found[i], one));
    case 'mapValue':
      return sameMap(found, kind.value.entries);
    default:
      return found === kind.value;
  }
}

function sameWhole(found: unknown, wanted: bigint): boolean {
  return typeof found === 'bigint' ? found === wanted : typeof found === 'number' && Number.isInteger(found) && BigInt(found) === wanted;
}

function sameMap(found: unknown, wanted: readonly { readonly key?: Value | undefined; readonly value?: Value | undefined }[]): boolean {
  if (typeof found !== 'object' || found === null) return false;
  const entries = new Map(Object.entries(found));
  return entries.size === wanted.length && wanted.every(({ key, value }) => same(entries.get(String(key?.kind.value)), value));
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? String(value);
}
