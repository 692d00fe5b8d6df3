/** The expression language: CEL, guarded. Nothing outside this folder knows which library evaluates it. */
export { compileExpression, type Slot } from './compile.ts';
export { ExpressionError } from './failure.ts';
export { toJson } from './functions/encoding.ts';
export { attachError, type ErrorView } from './names.ts';
export { expressionReference } from './reference.ts';
export { put, textOf } from './result.ts';
export { compileTemplate, compileValue } from './template.ts';
