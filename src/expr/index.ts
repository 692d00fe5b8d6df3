/** The expression language: CEL, guarded. Nothing outside this folder knows which library evaluates it. */
export { bodyShape } from './body-shape.ts';
export { compileExpression } from './compile.ts';
export { ExpressionError } from './failure.ts';
export { toJson } from './functions/encoding.ts';
export { compilePattern } from './functions/patterns.ts';
export { attachError } from './names.ts';
export { expressionReference } from './reference.ts';
export { put } from './result.ts';
export { compileTemplate, compileValue } from './template.ts';
