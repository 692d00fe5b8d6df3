/** What somebody who sends messages, owns a broker, or reaches a port may try. */
import type { Row } from './row.ts';

export const security: readonly Row[] = [
  {
    id: 'S1',
    what: 'headers that are orders: CC, BCC, x-delay, mqf-*, in any spelling',
    does: 'nothing is looked up among the headers of a message; mqf-* of a source that is not trusted are renamed',
    tests: [
      ['envelope.test.ts', 'from an untrusted source are data, renamed and never removed'],
      ['roundtrip/roundtrip.broker.test.ts', 'a header that is an order somewhere arrives once and orders nothing'],
    ],
    lab: ['plain'],
  },
  {
    id: 'S2',
    what: 'names that the target broker reserves',
    does: 'are renamed to mqf-h-*, and come back as they were',
    tests: [
      ['envelope.test.ts', 'to the target broker are renamed, in any spelling'],
      ['roundtrip/wire.test.ts', 'a header is data, whatever its name'],
    ],
  },
  {
    id: 'S3',
    what: 'STOMP: headers named like fields of the frame',
    does: 'never stand for them',
    tests: [
      ['connectors/stomp/message.test.ts', 'refuses every reserved name, in any case; the message never orders'],
      ['connectors/stomp/broker-suite.ts', 'refuses what would be an order, cut or misread, and delivers its neighbours'],
    ],
  },
  {
    id: 'S4',
    what: 'line ends, NUL, colons, control characters and half characters in names and values',
    does: 'are escaped, or refused: STOMP 1.2 only, which has escapes for all of them but NUL',
    tests: [
      ['connectors/stomp/frames.test.ts', 'gives the same frames, whatever is in headers and bodies and however the bytes are cut'],
      ['connectors/stomp/link.test.ts', 'sends the login without escapes, and never one that would begin another header'],
      ['connectors/mqtt/tap.test.ts', 'those that no broker may send are an error'],
      ['connectors/print/print.test.ts', 'a message cannot steer a terminal'],
    ],
  },
  {
    id: 'S5',
    what: 'a message chooses its destination: wildcards, $SYS, lists, options',
    does: 'what a template made is checked by the grammar of the target, after it was filled in',
    tests: [
      ['connectors/mqtt/topic.test.ts', 'made from a message may not begin with $, which gives orders to brokers'],
      [
        'connectors/stomp/broker-suite.ts',
        'sends each message where its template says, and refuses a destination that the broker would misread',
      ],
      ['connectors/kafka/sink.test.ts', 'a topic that a message names is never one of Kafka itself'],
    ],
  },
  {
    id: 'S6',
    what: 'two names that become one behind another separator',
    does: 'mqferry translates no names: where a message goes is what its template says',
    tests: [['roundtrip/wire.test.ts', 'a declaration says what the connector does']],
  },
  {
    id: 'S7',
    what: '__proto__, constructor, prototype as keys of bodies, headers, configs',
    does: 'are names like any other',
    tests: [
      ['expr/guards.test.ts', 'a body with the key %s'],
      ['config/data.test.ts', 'names that every object has are names like any other'],
      ['connectors/table/table.test.ts', 'takes hostile keys'],
      ['buffer/record.test.ts', 'keeps order and repeats of headers, and names that are not ASCII'],
    ],
  },
  {
    id: 'S8',
    what: 'AMQP: values that amqplib takes for types',
    does: 'own tables: a value is what it is',
    tests: [['connectors/rabbitmq/table.test.ts', 'of any types, nested, is written again byte by byte']],
  },
  {
    id: 'S9',
    what: 'code in expressions',
    does: 'CEL has no way out; scripts need --allow-scripts on the command line',
    tests: [
      ['expr/guards.test.ts', 'an own constructor in inner JSON breaks nothing'],
      ['steps/js.test.ts', 'no code is loaded, and the config is refused with its place'],
    ],
    weaker: 'a script is trusted code: it is not caged',
  },
  {
    id: 'S10',
    what: 'expressions in values of the environment, or in messages',
    does: 'are text: what was filled in is not read again',
    tests: [
      ['config/interpolate.test.ts', 'a value from outside cannot bring an expression into a template'],
      ['config/interpolate.test.ts', 'what is filled in is never YAML'],
    ],
  },
  {
    id: 'S11',
    what: 'patterns that take for ever',
    does: 'RE2: linear time; what cannot be compiled in a moment is refused',
    tests: [
      ['expr/guards.test.ts', 'a pattern that makes other engines hang is quick'],
      ['expr/guards.test.ts', 'a pattern that cannot be compiled in a moment is no pattern'],
    ],
  },
  {
    id: 'S12',
    what: 'YAML: alias bombs, tags, depth, 10 MB, thousands of keys',
    does: 'a clear error in less than a second',
    tests: [
      ['config/traps.test.ts', 'a hostile file is refused in less than a second'],
      ['config/data.test.ts', 'an alias bomb is refused'],
      ['fuzz/yaml.test.ts', 'any text is a config or a list of problems'],
    ],
  },
  {
    id: 'S13',
    what: 'JSON: depth, numbers beyond 2^53, repeated keys',
    does: 'bodies are bytes; where they are parsed, numbers keep their digits and depth has a limit',
    tests: [
      ['expr/guards.test.ts', 'very deep JSON is an error'],
      ['expr/compile.test.ts', 'beyond 2^53 are read exactly from a body, and never calculated with'],
    ],
  },
  {
    id: 'S14',
    what: 'bombs: bodies and batches that unpack to far more',
    does: 'stop at a limit, before memory is taken',
    tests: [
      ['steps/compress.test.ts', 'stops at the limit'],
      ['steps/compress.test.ts', 'never throws anything else, nor makes more than it may, of bytes that are changed'],
      ['connectors/kafka/records.test.ts', 'stops unpacking where there is enough, and always unpacks one'],
      ['connectors/kafka/records.test.ts', 'a snappy block that says it is larger than may be is refused before any memory is taken'],
    ],
  },
  {
    id: 'S15',
    what: 'ten thousand headers',
    does: 'cost what they weigh, and no more',
    tests: [['connectors/kafka/records.test.ts', 'ten thousand headers of one record come back as they were']],
  },
  {
    id: 'S16',
    what: 'frames that say they are larger than may be, before and after the login',
    does: 'end the link before memory is taken',
    tests: [
      ['fuzz/codecs.test.ts', 'STOMP: any bytes give frames or one known error'],
      ['fuzz/codecs.test.ts', 'MQTT: any bytes give packets or an error'],
    ],
    weaker: 'AMQP frames before the login are read by amqplib, which limits them since 2.3.0',
  },
  {
    id: 'S17',
    what: 'a broker that is hostile, or not what it says',
    does: 'the link fails, not the process',
    tests: [
      ['connectors/stomp/link.test.ts', 'an ERROR rejects every write that waits, even in a flood of them'],
      ['connectors/mqtt/tap.test.ts', 'a million random bytes end in an error or in packets, and never hang'],
      ['connectors/mqtt/ends.test.ts', 'to a server that speaks something else fails'],
      ['connectors/rabbitmq/connection.broker.test.ts', 'a peer that says nothing is given up after the time-out, and let go'],
    ],
  },
  {
    id: 'S18',
    what: 'a message that makes mqferry ask addresses inside',
    does: 'private and special addresses are refused where the connection is made, redirects are followed nowhere',
    tests: [
      ['steps/lookups/http.test.ts', 'addresses inside are refused, however they are written, unless they are allowed'],
      ['steps/lookups/http.test.ts', 'a name that leads to an address inside is refused when it is connected'],
      ['steps/lookups/http.test.ts', 'a redirect (%i) is followed nowhere'],
      ['steps/lookups/http.test.ts', 'what it puts into the url stays where it stands'],
    ],
  },
  {
    id: 'S19',
    what: 'secrets in logs, errors, metrics, the API, dead letters, files',
    does: 'are in none of them; the data directory is for its user only, and can be encrypted',
    tests: [
      [
        'cli/canary.test.ts',
        'a secret is in no output: not validated, explained, checked, run, served, logged, a dead letter or in an error',
      ],
      ['config/secrets.test.ts', 'a secret is in no problem, frame or description'],
      ['buffer/data-directory.test.ts', 'is made for this user only, and locked, when a route has a disk buffer'],
      ['buffer/encryption.test.ts', 'gives what was put into it, and nothing of it can be read on the disk'],
      ['cli/encryption.test.ts', 'a data directory with a key'],
    ],
    weaker: 'a core dump of the process holds what the process holds',
  },
  {
    id: 'S20',
    what: 'data of messages in logs and labels',
    does: 'no body is logged; labels come from the config alone',
    tests: [
      ['expr/compile.test.ts', 'and the error never quotes the message'],
      ['steps/lookups/http.test.ts', 'no secret and nothing of a message is in an error'],
      ['admin/server.test.ts', 'metrics mirror the books'],
    ],
  },
  {
    id: 'S21',
    what: 'the admin server: strangers, web pages, names that lead to it',
    does: 'loopback unless told otherwise; beyond it a token; Host and Origin are looked at; no request has a body',
    tests: [
      ['admin/server.test.ts', 'not a page of another origin, nor a name that only resolves to this machine'],
      ['admin/server.test.ts', 'beyond loopback only with a token'],
      ['connectors/http/http.test.ts', 'a body that is too large is not read to its end'],
    ],
    weaker: 'one token for everything: no roles, no mTLS, no limit of requests',
  },
  {
    id: 'S22',
    what: 'a config that runs code or reads files',
    does: 'tags are errors; ${file:…} reads what the config names and nothing that a message names; buffers and queues have no paths',
    tests: [
      ['config/traps.test.ts', 'a line that YAML reads differently'],
      ['buffer/data-directory.test.ts', 'cannot be named by a path to something else, nor be given to one'],
      ['config/interpolate.test.ts', 'a key is never filled in'],
    ],
  },
  {
    id: 'S23',
    what: 'TLS: a wrong certificate, a wrong name, none at all',
    does: 'verified by default; insecure: true is said in the log, by explain and in what the route promises',
    tests: [
      ['connectors/mqtt/source.broker.test.ts', 'works over TLS with an own CA, and refuses one that it does not know'],
      ['connectors/stomp/link.test.ts', 'speaks TLS, and takes no certificate that it cannot check'],
      [
        'connectors/stomp/tls.broker.test.ts',
        'insecure takes the certificate of anybody, and is seen in what the route promises and in the log',
      ],
      ['connectors/stomp/tls.broker.test.ts', 'plain text to a TLS port, and TLS to a plain one, are a lost link'],
    ],
  },
  {
    id: 'S24',
    what: 'the user id of a message passed on',
    does: 'is never written: it is in origin, for steps to read',
    tests: [['roundtrip/wire.test.ts', 'a declaration says what the connector does']],
  },
  {
    id: 'S25',
    what: 'a container with more rights than it needs',
    does: 'a user without rights, a read-only root, one directory to write to, SIGTERM as pid 1',
    tests: [['supply-chain.test.ts', 'the image runs as nobody, and starts mqferry itself']],
    weaker: 'no container engine is to be had here: the image was never built',
  },
  {
    id: 'S26',
    what: 'packages with install scripts, or from elsewhere',
    does: 'one is allowed its script, the Node that runs this project; what is installed with mqferry has none',
    tests: [
      ['supply-chain.test.ts', 'no package has an install script but those that are known'],
      ['package.test.ts', 'holds what it should, and nothing else'],
    ],
  },
  {
    id: 'S27',
    what: 'JSON Schema: names that every object has; values that are changed to fit',
    does: 'only own properties count, nothing is changed',
    tests: [['steps/validate.test.ts', 'does not take what every object has for a property of the body']],
  },
  {
    id: 'S28',
    what: 'bodies that are code to somebody: serialised Java objects, pickles',
    does: 'are bytes: only a step that the config names looks into a body',
    tests: [['connectors/stomp/broker-suite.ts', 'carries bodies bit by bit: empty, with NUL, of every byte, 1 MiB']],
  },
];
