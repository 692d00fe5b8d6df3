/** Who may import whom. Each rule is a sentence; read it before arguing with it. */
const src = (folders) => `^src/(${folders})(/|\\.ts$)`;

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'A cycle means that two files are one idea, or that one of them knows too much.', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'connectors-use-the-door', comment: 'A connector imports src/connector.ts and nothing else of src/.', severity: 'error', from: { path: '^connectors/[^/]+/' }, to: { path: '^src/', pathNot: '^src/connector\\.ts$' } },
    { name: 'connectors-are-strangers', comment: 'A connector never imports another: deleting one is rm -r and one line.', severity: 'error', from: { path: '^connectors/([^/]+)/' }, to: { path: '^connectors/', pathNot: '^connectors/$1/' } },
    { name: 'src-knows-no-connector', comment: 'Only the two composition roots, src/cli and src/index.ts, import connectors/.', severity: 'error', from: { path: '^src/', pathNot: src('cli|index') }, to: { path: '^connectors/' } },
    { name: 'broker-libraries-stay-at-home', comment: 'Only the connector of a broker imports its client library.', severity: 'error', from: { pathNot: '^connectors/' }, to: { path: 'node_modules/(amqplib|kafkajs|@platformatic|mqtt)/' } },
    { name: 'only-config-reads-yaml', comment: 'Only src/config imports yaml.', severity: 'error', from: { pathNot: '^src/config/' }, to: { path: 'node_modules/yaml/' } },
    { name: 'only-expr-knows-cel', comment: 'The expression library stays behind src/expr.', severity: 'error', from: { pathNot: '^src/expr/' }, to: { path: 'node_modules/(@marcbachmann|re2js)/' } },
    { name: 'bottom', comment: 'message, errors, inbox, config and expr know nothing above them; config and expr are strangers.', severity: 'error', from: { path: src('message|errors|inbox|config') }, to: { path: src('expr|steps|buffer|route|engine|admin|cli|index|envelope|testkit') } },
    { name: 'expr-is-low', comment: 'The expression language knows messages and errors only.', severity: 'error', from: { path: src('expr') }, to: { path: src('steps|buffer|route|engine|admin|cli|index|envelope|testkit') } },
    { name: 'the-door-is-thin', comment: 'The door shows config fields, messages and errors, and nothing above.', severity: 'error', from: { path: '^src/connector\\.ts$' }, to: { path: src('expr|steps|buffer|route|engine|admin|cli|index|envelope|testkit') } },
    { name: 'steps-and-buffer-are-below-the-engine', comment: 'A step and the buffer are run by the engine and do not know it.', severity: 'error', from: { path: src('steps|buffer|envelope') }, to: { path: src('route|engine|admin|cli|index|testkit') } },
    { name: 'engine-runs-plans', comment: 'The engine runs plans: it knows neither config, routes nor who looks at it.', severity: 'error', from: { path: src('engine') }, to: { path: src('config|expr|route|admin|cli|index|testkit') } },
    { name: 'route-compiles', comment: 'src/route makes plans; it neither runs nor shows them.', severity: 'error', from: { path: src('route') }, to: { path: src('admin|cli|index|testkit') } },
    { name: 'admin-shows-the-engine', comment: 'admin reads the engine; it does not know config or routes.', severity: 'error', from: { path: src('admin') }, to: { path: src('config|expr|route|steps|buffer|cli|index|testkit') } },
    { name: 'not-from-tests', comment: 'The product never imports tests, benches or scripts.', severity: 'error', from: { path: '^(src|connectors)/' }, to: { path: '^(test|bench|scripts)/' } },
    { name: 'only-cli-is-above', comment: 'Nobody imports src/cli.', severity: 'error', from: { pathNot: src('cli') }, to: { path: src('cli') } },
    { name: 'no-orphans-resolved', comment: 'Every import resolves.', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.js', '.json'] },
  },
};
