/** Where mqferry's expressions are not as the CEL specification has them: on purpose, or because the library is not. */
import type { SpecTest } from './suite.ts';

/** Tests of what expressions over messages have no use for; not counted. */
export const outside: readonly (readonly [reason: string, covers: (test: SpecTest) => boolean])[] = [
  [
    'messages and enumerations of Protocol Buffers as CEL types: bodies are decoded to maps (`decode: { protobuf: … }`)',
    ({ file, test }) => protobufFiles.has(file) || /TestAllTypes|TestEnum|google\.protobuf\.(?!Timestamp|Duration)|\bmsg\./.test(test.expr),
  ],
  ['variables that the test brings: the names are those of a message', ({ test }) => Object.keys(test.bindings).length > 0],
  ['functions that the test brings', ({ test }) => /\b(?:tuple|sort|fn)\(/.test(test.expr)],
  ['unsigned numbers: there is one kind of number', ({ test }) => /\d[uU]\b|\buint\b/.test(test.expr)],
  [
    'types as values: `type` is the type of the message',
    ({ test, name }) => /\btype\(/.test(test.expr) || /\/type\/.*_denotation$/.test(name),
  ],
  ['`cel.block`, which optimisers write and people do not', ({ file }) => file === 'block_ext'],
];

export function isOutside(one: SpecTest): boolean {
  return outside.some(([, covers]) => covers(one));
}

const protobufFiles = new Set(['dynamic', 'enums', 'proto2', 'proto2_ext', 'proto3', 'wrappers']);

/** `*` at the end of a name: all that begin so. */
export const deviations: readonly (readonly [reason: string, tests: readonly string[]])[] = [
  [
    'There is one kind of number: a double. Nothing overflows at 64 bits, `%` takes any numbers, and what CEL says of ints alone holds for all.',
    [
      'integer_math/int64_math/int64_min_negate',
      'integer_math/int64_math/int64_overflow_mul_positive',
      'integer_math/int64_math/int64_overflow_mul_negative',
      'fp_math/fp_math/mod_not_support',
      'math_ext/ceil/dyn_error',
      'math_ext/floor/dyn_error',
      'math_ext/round/dyn_error',
      'math_ext/trunc/dyn_error',
    ],
  ],
  [
    'Whole numbers beyond 2^53 are exact: they compare as what they are, not as the double they would round to, and a double beyond 2^53 is not taken for a whole number.',
    [
      'conversions/int/double_big_exact',
      'conversions/int/double_big_precision',
      'comparisons/lt_literal/not_lt_dyn_int_big_lossy_double',
      'comparisons/gt_literal/not_gt_dyn_big_double_int',
      'comparisons/lte_literal/lte_dyn_big_double_int',
      'comparisons/gte_literal/gte_dyn_int_big_lossy_double',
    ],
  ],
  [
    'Dividing by zero is an error, of any numbers.',
    [
      'fp_math/fp_math/divide_zero',
      'comparisons/eq_literal/not_eq_double_nan',
      'comparisons/eq_literal/not_eq_int_double_nan',
      'comparisons/ne_literal/not_ne_double_nan',
      'comparisons/ne_literal/not_ne_int_double_nan',
      'comparisons/ne_literal/ne_double_nan',
      'math_ext/round/nan',
      'math_ext/trunc/nan',
      'math_ext/isNaN/*',
      'math_ext/isInf/*',
      'math_ext/isFinite/false_nan',
      'math_ext/isFinite/false_inf',
    ],
  ],
  [
    'A name, function or type that can never fit is an error when the config is loaded, even where `||` or `&&` would have passed it over. `dyn(x)` puts it off.',
    [
      'basic/variables/unbound_is_runtime_error',
      'basic/functions/unbound_is_runtime_error',
      'parse/receiver_function_names/*',
      'logic/AND/short_circuit_type_left',
      'logic/AND/short_circuit_type_right',
      'logic/OR/short_circuit_type_left',
      'logic/OR/short_circuit_type_right',
      'logic/conditional/mixed_type',
      'comparisons/eq_literal/not_eq_list_length',
    ],
  ],
  [
    'The names of a message (`key`, `body` …) are taken: a loop gives its element another one.',
    ['macros/map/map_extract_keys', 'macros/filter/map_filter_keys'],
  ],
  [
    'Only ASCII stands in `b"…"`, and there is no `br"…"`: `bytes("ÿ")`.',
    [
      'basic/self_eval_nonzeroish/self_eval_bytes_escape',
      'comparisons/eq_literal/eq_bytes',
      'comparisons/ne_literal/ne_bytes',
      'comparisons/ne_literal/not_ne_bytes',
      'comparisons/lt_literal/not_lt_bytes_width',
      'parse/bytes_literals/raw_*',
      'parse/bytes_literals/upper_raw_*',
    ],
  ],
  ['A number begins with a digit.', ['comparisons/gt_literal/not_gt_double']],
  ['Names with special characters are written `m["content-type"]`, not in backquotes.', ['fields/quoted_map_fields/*']],
  [
    '`has()` asks of a name in a variable, not in a map that is written there.',
    [
      'fields/map_has/has',
      'fields/map_has/has_not',
      'fields/map_has/has_empty',
      'optionals/optionals/ternary_optional_hasValue',
      'optionals/optionals/has_map_optindex*',
      'optionals/optionals/optional_chaining_9',
      'optionals/optionals/map_optional_has',
      'optionals/optionals/map_optional_select_has',
    ],
  ],
  [
    'Keys of maps that are written there may be null, have a point or come twice: the last one counts.',
    [
      'fields/qualified_identifier_resolution/map_key_float',
      'fields/qualified_identifier_resolution/map_key_null',
      'fields/qualified_identifier_resolution/map_value_repeat_key',
    ],
  ],
  [
    'Of optionals there are `.?`, `[?]`, `optional.of`, `optional.none`, `or`, `orValue`, `hasValue` and `value`; no `optional.ofNonZeroValue`, `optMap`, `optFlatMap`, no `{?"k": x}` or `[?x]`, and they are not compared.',
    [
      'optionals/optionals/null_non_zero_value',
      'optionals/optionals/none_optMap_hasValue',
      'optionals/optionals/empty_map_optFlatMap_hasValue',
      'optionals/optionals/map_empty_submap_optFlatMap_hasValue',
      'optionals/optionals/map_null_entry_no_such_key',
      'optionals/optionals/map_present_key_invalid_field',
      'optionals/optionals/map_submap_subkey_optFlatMap_value',
      'optionals/optionals/map_submap_optFlatMap_value',
      'optionals/optionals/map_optindex_optFlatMap_optional_ofNonZeroValue_hasValue',
      'optionals/optionals/optional_of_optMap_value',
      'optionals/optionals/optional_ofNonZeroValue_or_optional_value',
      'optionals/optionals/optional_chaining_1',
      'optionals/optionals/optional_chaining_5',
      'optionals/optionals/optional_chaining_12',
      'optionals/optionals/optional_chaining_13',
      'optionals/optionals/optional_chaining_14',
      'optionals/optionals/optional_chaining_15',
      'optionals/optionals/optional_chaining_16',
      'optionals/optionals/optional_none_optselect_hasValue',
      'optionals/optionals/optional_none_optindex_hasValue',
      'optionals/optionals/optional_eq_*',
      'optionals/optionals/optional_ne_*',
      'optionals/optionals/map_optional_entry_has',
    ],
  ],
  [
    'Times are exact to the millisecond, and are written with three digits of it.',
    [
      'timestamps/timestamp_conversions/toString_timestamp',
      'timestamps/timestamp_conversions/toString_timestamp_nanos',
      'timestamps/timestamp_arithmetic/add_time_to_duration_nanos_positive',
      'timestamps/timestamp_range/add_duration_nanos_over',
      'string_ext/format/timestamp support for string',
      'string_ext/format/list support for string',
      'string_ext/format/dyntype support for timestamp',
    ],
  ],
  [
    'Sums of times and durations may leave the years 1 to 9999; durations have no limit.',
    [
      'timestamps/timestamp_range/add_duration_under',
      'timestamps/timestamp_range/add_duration_over',
      'timestamps/timestamp_range/add_duration_nanos_under',
      'timestamps/timestamp_range/sub_time_duration_over',
      'timestamps/timestamp_range/sub_time_duration_under',
      'timestamps/duration_range/*',
    ],
  ],
  ['`duration + timestamp` is taken for a duration: write the time first.', ['timestamps/timestamp_arithmetic/add_time_to_duration']],
  ['There is no `strings.quote`: `json.stringify(x)`.', ['string_ext/quote/*']],
  ['`trim()` takes away what JavaScript calls a blank: the byte order mark too, U+0085 not.', ['string_ext/trim/unicode_*']],
  ['`format()` rounds halves away from zero.', ['string_ext/format/format_%f_halfway_truncate_to_nearest_even']],
  [
    'What leaves an expression is plain: an optional is its value or null, and an empty list is a list of anything.',
    [
      'type_deductions/flexible_type_parameter_assignment/*',
      'type_deductions/legacy_nullable_types/null_assignable_to_abstract_parameter_candidate',
    ],
  ],
];

/** Whether a test is one of those that a deviation names. */
export function isMeant(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
