/** What can go wrong between two brokers: processes, networks, brokers, disks, messages, time. */
import type { Row, Seen } from './row.ts';

const simulation: Seen = [
  'engine/simulation.test.ts',
  'the engine keeps its promise through cuts, refusals, late bytes, crashes and outages',
];
const crashes: Seen = ['buffer/crash.test.ts', 'keeps what it confirmed, in order, over power cuts and kills'];

export const process: readonly Row[] = [
  {
    id: '1',
    what: 'SIGKILL at any moment, under load',
    does: 'a restart goes on; nothing is lost, and what comes twice is what was under way',
    tests: [
      ['buffer/disk.test.ts', 'keeps what it confirmed, in order, when its process is killed'],
      ['connectors/local/disk.test.ts', 'loses nothing of what its sources have forgotten, and keeps the order of first copies'],
      ['faults/http-kill.test.ts', 'SIGKILLs: what was answered by 200 is pulled, and nothing else'],
      ['faults/pool-kill.test.ts', 'SIGKILLs: nothing is lost or made up, and what comes again is what was under way'],
    ],
    lab: ['kill'],
  },
  {
    id: '2',
    what: 'a stop at each step of the way of a message: read, append, sync, publish, confirm, ack, removal of a file',
    does: 'as 1',
    tests: [simulation, crashes],
    weaker: 'the product has no named failpoints: the simulations stop it at every operation instead, over thousands of seeds',
  },
  {
    id: '3',
    what: 'SIGTERM with a full window and a slow sink',
    does: 'reads no more, lets what is on its way end, returns the rest at the deadline, exit code 0',
    tests: [
      ['engine/route-run.test.ts', 'gives up at the deadline: what was on its way is returned and not acked'],
      ['engine/route-run.test.ts', 'lets what is on its way end, acks it, and reads nothing more'],
    ],
    lab: ['drain'],
  },
  {
    id: '4',
    what: 'SIGTERM while a link is down; a second SIGTERM',
    does: 'ends at once',
    tests: [
      ['faults/process.test.ts', 'a signal ends it at once while a link is down'],
      ['cli/cli.test.ts', 'a second signal means now: 143'],
    ],
  },
  {
    id: '5',
    what: 'mqferry stands still for longer than session, heartbeat or keepalive',
    does: 'the broker gives its messages to others; acks of the time before are void',
    tests: [
      ['connectors/kafka/groups.broker.test.ts', 'an ack that comes after its partition has gone to another does not move the position'],
    ],
    lab: ['pause'],
  },
  {
    id: '6',
    what: 'a step that would hold up everything: a bad pattern, an endless loop, huge JSON',
    does: 'patterns run in linear time, expressions have a budget',
    tests: [
      ['expr/guards.test.ts', 'a pattern that makes other engines hang is quick'],
      ['expr/guards.test.ts', 'no message makes a loop go on when the budget is spent:'],
    ],
    weaker: 'a script of the step js, which needs --allow-scripts, has no time limit: there is no watchdog',
  },
  {
    id: '7',
    what: 'large messages, a slow sink, little memory',
    does: 'reads no more than the window in bytes: memory is flat',
    tests: [
      ['faults/process.test.ts', 'a sink that confirms nothing costs no more memory than the window'],
      ['connectors/mqtt/source.broker.test.ts', 'never takes many more bytes than the window'],
      ['connectors/stomp/link.test.ts', 'a window in bytes holds large messages back too, and acks let them go on'],
    ],
  },
  {
    id: '8',
    what: 'a connector throws, or its broker sends errors and nonsense',
    does: 'the link is opened again; the process and the other routes go on',
    tests: [
      ['connectors/stomp/link.test.ts', 'an ERROR rejects every write that waits, even in a flood of them'],
      ['connectors/stomp/link.test.ts', 'bytes that are no STOMP end it, and what was read before can still not be acked elsewhere'],
      ['connectors/mqtt/ends.test.ts', 'a template that throws costs its message, not the link'],
      ['engine/route-run.test.ts', 'because a step broke off is not lost'],
    ],
  },
  {
    id: '9',
    what: 'two processes in one data directory, or under one MQTT client id',
    does: 'the second one ends with 75; a session that was taken over is said, and tried again with back-off',
    tests: [
      ['cli/cli.test.ts', 'a data directory in use ends with 75; SIGTERM drains and ends with 0'],
      ['buffer/lock.test.ts', 'holds against another process, and is free again once that was killed'],
      ['connectors/mqtt/source.broker.test.ts', 'ends with NOT_CONNECTED when another client takes over its session'],
    ],
  },
  {
    id: '10',
    what: 'a message that ends the process, again and again',
    does: 'after three unclean stops it is a dead letter, past the steps',
    tests: [
      ['faults/quarantine.test.ts', 'a message that ends the process'],
      ['engine/quarantine.test.ts', 'goes to the dead letter as it was received, past the steps, and its neighbours arrive'],
    ],
  },
  {
    id: '11',
    what: 'a crash loop against a queue with a delivery limit',
    does: 'after an unclean stop no more than 32 messages are on their way until it is stable',
    tests: [['engine/quarantine.test.ts', 'has no more than 32 on their way at once']],
    weaker: 'not run on a quorum queue: its limit came with RabbitMQ 4, which is not to be had here',
  },
];

export const network: readonly Row[] = [
  {
    id: '12',
    what: 'a cut after a message was sent, before its confirm',
    does: 'the outcome is unknown: it is sent again on the next link, the oldest alone first',
    tests: [simulation, ['connectors/rabbitmq/sink.broker.test.ts', 'a cut link ends open writes with NOT_CONNECTED']],
    lab: ['cut', 'cutAtAck', 'withheld'],
  },
  {
    id: '13',
    what: 'a cut after the broker confirmed, before we read it',
    does: 'as 12: it comes twice, with the same mqf-id',
    tests: [
      simulation,
      [
        'connectors/kafka/groups.broker.test.ts',
        'a batch whose confirm was lost on the way is sent again by the default driver, and stored once',
      ],
      ['route/stamps.test.ts', 'what the source delivers again carries the mqf-id that it had, and no other message does'],
    ],
    lab: ['cutAtAck', 'cutAtByte'],
  },
  {
    id: '14',
    what: 'a cut after our ack left, before the source broker read it',
    does: 'it is delivered again',
    tests: [simulation, ['connectors/rabbitmq/source.broker.test.ts', 'acks after a lost link do nothing, and read says NOT_CONNECTED']],
    lab: ['cutAtAck', 'cutAtByte'],
  },
  {
    id: '15',
    what: 'a network that is silent and closes nothing',
    does: 'heartbeats find it; what arrives late belongs to nobody',
    tests: [
      ['connectors/mqtt/source.broker.test.ts', 'notices a dead link although the full window keeps it from reading'],
      ['connectors/stomp/link.test.ts', 'silence beyond the heart-beats ends it, and our own heart-beats go out meanwhile'],
      [
        'connectors/rabbitmq/connection.broker.test.ts',
        'a broker that falls silent between login and consuming is given up, on time-out and on abort',
      ],
    ],
    lab: ['blackHole'],
  },
  {
    id: '16',
    what: 'a reset in the middle of a frame, at any byte',
    does: 'what was read of it is forgotten with its link',
    tests: [['connectors/stomp/frames.test.ts', 'works cut at every byte']],
    lab: ['cutAtAck', 'cutAtByte'],
  },
  {
    id: '17',
    what: 'bytes that come one by one, or megabytes at once',
    does: 'are read all the same',
    tests: [
      ['connectors/mqtt/tap.test.ts', 'takes publishes and their confirms, and lets the rest pass, wherever the bytes are cut'],
      ['connectors/stomp/link.test.ts', 'reads a stream that comes byte by byte'],
    ],
    lab: ['slices'],
  },
  {
    id: '18',
    what: 'a confirm that comes after we gave up waiting',
    does: 'says nothing any more',
    tests: [
      simulation,
      ['connectors/mqtt/sink.broker.test.ts', 'ends with NOT_CONNECTED when the broker confirms nothing in time'],
      ['connectors/rabbitmq/confirms.test.ts', 'confirms of numbers never given are ignored'],
    ],
    lab: ['slow', 'blackHole'],
  },
  {
    id: '19',
    what: 'a broker that is down for long, under many routes',
    does: 'back-off with jitter and a limit, a line in the log each half minute, on again within seconds of its return',
    tests: [['engine/outage.test.ts', 'fifty routes whose broker is down for ten minutes']],
  },
  {
    id: '20',
    what: 'the source is there, the sink is not, for long',
    does: 'the source is not opened before the sink, and nothing more than the window is read',
    tests: [simulation, ['engine/route-run.test.ts', 'the window bounds what is read while the sink does not confirm']],
    lab: ['sinkRestart'],
  },
  {
    id: '21',
    what: 'a certificate, a password or a permission that changes while it runs',
    does: 'it says AUTH or FORBIDDEN, tries again slowly, says no secret, and goes on when it is mended',
    tests: [
      ['faults/credentials.broker.test.ts', 'a password that is changed while it runs'],
      ['faults/credentials.broker.test.ts', 'a permission that is taken away while it runs'],
      ['tls.test.ts', 'certificates are PEM text or files, read anew each time'],
    ],
    weaker: 'a password is read at the start: a new one needs a restart',
  },
];

export const sources: readonly Row[] = [
  {
    id: '22',
    what: 'RabbitMQ cancels the consumer: queue deleted, node gone',
    does: 'the link is lost, not silently idle',
    tests: [['connectors/rabbitmq/source.broker.test.ts', 'a deleted queue ends the source with NOT_CONNECTED']],
  },
  {
    id: '23',
    what: 'acks of one channel on another, where they name other messages',
    does: 'are void',
    tests: [['connectors/rabbitmq/source.broker.test.ts', 'acks of a closed source do nothing to the next one'], simulation],
  },
  {
    id: '24',
    what: 'RabbitMQ closes a channel on which a delivery was held for too long',
    does: 'opens again; what was held comes again',
    tests: [['connectors/rabbitmq/source.broker.test.ts', 'a delivery that is held beyond the broker']],
  },
  {
    id: '25',
    what: 'others read the same queue',
    does: 'order is not promised, or exclusive: true keeps them out',
    tests: [
      ['connectors/rabbitmq/source.broker.test.ts', 'exclusive: true keeps a second reader out'],
      ['route/label.test.ts', 'is none where the source delivers again in any order, whatever is asked'],
    ],
  },
  {
    id: '26',
    what: 'Kafka: a later message ends before an earlier one, then a crash',
    does: 'the position never passes what is open',
    tests: [['connectors/kafka/source.test.ts', 'commits what was acked and not what was only handed out'], simulation],
    lab: ['kill'],
  },
  {
    id: '27',
    what: 'Kafka: partitions go to another member in the middle of a batch',
    does: 'nothing is committed for a partition that is lost',
    tests: [
      ['connectors/kafka/groups.broker.test.ts', 'members come and go, and nothing is lost; a partition that stays is not read twice'],
      ['connectors/kafka/source.test.ts', 'an ack for a partition that was lost is void, and what waited of it is not handed out'],
    ],
  },
  {
    id: '28',
    what: 'a step fails at some message of a batch',
    does: 'that one goes its way, its neighbours arrive, no position moves wrongly',
    tests: [
      ['engine/route-run.test.ts', 'goes to the dead letter as it was received, with the reason, and its neighbours arrive'],
      [
        'engine/route-run.test.ts',
        'stops the route when there is no dead-letter destination: it reads and acks nothing more, and says which message and why',
      ],
    ],
  },
  {
    id: '29',
    what: 'Kafka: the position is out of range',
    does: 'the route stops and says from where to where records are gone',
    tests: [
      ['connectors/kafka/ends.broker.test.ts', 'stops with a report when records at its position are gone, and goes on when told so'],
    ],
  },
  {
    id: '30',
    what: 'Kafka: a topic is deleted and made again',
    does: 'is noticed as a gap',
    tests: [['connectors/kafka/ends.broker.test.ts', 'a topic that is deleted and created again while it is read is a gap']],
  },
  {
    id: '31',
    what: 'a client library gives up for good',
    does: 'is a lost link: opened again',
    tests: [['connectors/kafka/failures.test.ts', 'what is not known is a lost link']],
  },
  {
    id: '32',
    what: 'Kafka: aborted transactions, markers, gaps of compaction, tombstones, headers that repeat or are null',
    does: 'gaps are not missing messages; null stays null',
    tests: [
      ['connectors/kafka/fetched.test.ts', 'goes on after a batch whose last records compaction removed'],
      ['connectors/kafka/fetched.test.ts', 'leaves out aborted transactions, also two of one producer around a committed one'],
      ['connectors/kafka/ends.broker.test.ts', 'hands out no record of an aborted transaction, and commits past the markers'],
      ['connectors/kafka/message.test.ts', 'headers keep order, repeats, null and empty'],
    ],
  },
  {
    id: '33',
    what: 'MQTT: a crash while a message is handled',
    does: 'its PUBACK has not left: it is delivered again',
    tests: [
      ['connectors/mqtt/source.broker.test.ts', 'delivers again, in order, what was not acked before it was closed, and not what was'],
    ],
    lab: ['kill'],
  },
  {
    id: '34',
    what: 'MQTT: QoS 2',
    does: 'is not offered: a subscription asks for QoS 1, and is refused when it is granted less',
    tests: [['connectors/mqtt/ends.test.ts', 'that is granted with QoS 0 only is FORBIDDEN, as messages would be lost']],
  },
  {
    id: '35',
    what: 'MQTT: a message that fails',
    does: 'is tried again in place, then a dead letter, then acked, in the order of arrival',
    tests: [['connectors/mqtt/source.broker.test.ts', 'sends every PUBACK once, in the order of arrival']],
  },
  {
    id: '36',
    what: 'MQTT: the broker drops what is beyond its queue',
    does: 'cannot be seen from here; the docs of the connector name the setting',
    tests: [['connectors/mqtt/source.broker.test.ts', 'never takes more than the window, although the broker goes beyond it']],
    weaker: 'mosquitto drops what it has confirmed beyond max_queued_messages (1,000); the laboratory sets it to no limit',
  },
  {
    id: '37',
    what: 'MQTT: the broker has lost the session',
    does: 'is said, and subscribed anew',
    tests: [['connectors/mqtt/source.broker.test.ts', 'says so when the broker has lost the session']],
  },
  {
    id: '38',
    what: 'MQTT: retained messages at each subscription',
    does: 'are taken once, or skipped, as the config says',
    tests: [
      ['connectors/mqtt/source.broker.test.ts', 'are taken once per subscription with MQTT 5, not at every reconnect'],
      ['connectors/mqtt/source.broker.test.ts', 'are skipped when the config says so, and leave no hole in the acks'],
    ],
  },
  {
    id: '39',
    what: 'STOMP: NACK means something else at each broker',
    does: 'mqferry sends none: what is not acked comes again with the next link',
    tests: [
      [
        'connectors/stomp/broker-suite.ts',
        'delivers again what was not acked when the link ended, in order where that is promised, and nothing that was',
      ],
    ],
  },
  {
    id: '40',
    what: 'STOMP: an ack that settles all before it',
    does: 'is not used: each message is acked by itself',
    tests: [['connectors/stomp/link.test.ts', 'acks each message of a batch, once it is asked to, before it leaves']],
  },
  {
    id: '41',
    what: 'STOMP: long lines, many headers, NUL in a header, a wrong length',
    does: 'are read, or are the fault of one message, never a loop of links',
    tests: [
      ['connectors/stomp/frames.test.ts', 'a NUL in a header is kept, as RabbitMQ sends it raw'],
      ['connectors/stomp/frames.test.ts', 'any bytes at all give frames or one known error'],
      ['connectors/stomp/link.test.ts', 'hands a poisonous message over with its fault, and reads on'],
    ],
  },
  {
    id: '42',
    what: 'a source that is cut again and again',
    does: 'gets on all the same',
    tests: [['connectors/mqtt/source.broker.test.ts', 'loses nothing of 20,000 messages over ten cut links']],
    lab: ['cut', 'sourceRestart'],
  },
];

export const sinks: readonly Row[] = [
  {
    id: '43',
    what: 'RabbitMQ confirms what it cannot route',
    does: 'is a refusal: the return says so',
    tests: [['connectors/rabbitmq/sink.broker.test.ts', 'are refused as UNROUTABLE, each by itself, among many that look alike']],
  },
  {
    id: '44',
    what: 'RabbitMQ: the exchange is gone',
    does: 'the outcome of all that was sent is unknown: sent again when it is back',
    tests: [
      [
        'connectors/rabbitmq/sink.broker.test.ts',
        'an exchange that is deleted ends all open writes with NOT_CONNECTED, and opening then says NOT_FOUND',
      ],
    ],
  },
  {
    id: '45',
    what: 'RabbitMQ: a full queue',
    does: 'a nack is tried again with back-off',
    tests: [
      [
        'connectors/rabbitmq/sink.broker.test.ts',
        'what a full queue refuses (reject-publish) is refused for retry, and the rest is confirmed',
      ],
    ],
    weaker: 'a queue with drop-head confirms and drops its oldest message: only its policy says so, which mqferry does not read',
  },
  {
    id: '46',
    what: 'RabbitMQ blocks publishers by an alarm',
    does: 'is waited for; no time-out runs',
    tests: [['connectors/rabbitmq/sink.broker.test.ts', 'a broker that blocks publishers is waited for, beyond the time-out for confirms']],
  },
  {
    id: '47',
    what: 'RabbitMQ: properties that close the channel',
    does: 'are refused before they are sent, or moved into a header',
    tests: [
      ['connectors/rabbitmq/sink.broker.test.ts', 'that RabbitMQ would hang up on are refused for good, and their neighbours arrive'],
      [
        'connectors/rabbitmq/sink.broker.test.ts',
        'of a dangerous kind are harmless: the longest headers, an expired message, a great expiry',
      ],
    ],
  },
  {
    id: '48',
    what: 'Kafka: a batch was appended and its answer is lost',
    does: 'is sent again under the same number, and stored once; order is kept',
    tests: [
      [
        'connectors/kafka/groups.broker.test.ts',
        'a batch whose confirm was lost on the way is sent again by the default driver, and stored once',
      ],
      ['connectors/kafka/partitionQueue.test.ts', 'sends nothing more after a send whose outcome is unknown'],
    ],
  },
  {
    id: '49',
    what: 'Kafka: one partition takes a batch, another one refuses it',
    does: 'only what was refused is sent again, in order',
    tests: [
      ['connectors/kafka/partitionQueue.test.ts', 'has one send in flight, in order'],
      ['connectors/kafka/ends.broker.test.ts', 'refuses what the broker will not have, and stores the neighbours'],
    ],
  },
  {
    id: '50',
    what: 'Kafka: brokers of a cluster restart, leaders change, the state of a producer is lost',
    does: 'is a lost link at worst',
    tests: [
      [
        'connectors/kafka/cluster.broker.test.ts',
        'loses nothing that was confirmed, and reads on, while brokers are restarted in good order',
      ],
    ],
  },
  {
    id: '51',
    what: 'Kafka: a record too large, a topic that cannot be',
    does: 'is refused for good; the others go on',
    tests: [
      ['connectors/kafka/partitionQueue.test.ts', 'refuses the record that the broker will not have, and delivers its neighbours in order'],
      [
        'connectors/kafka/ends.broker.test.ts',
        'a topic that is not there is NOT_FOUND when it is fixed, and refused when a template named it',
      ],
    ],
  },
  {
    id: '52',
    what: 'MQTT: topics with wildcards, NUL, control characters, too long or empty',
    does: 'are refused before they are sent: the broker would hang up, again and again',
    tests: [
      ['connectors/mqtt/topic.test.ts', 'made from a message may not be %j either'],
      ['connectors/mqtt/topic.test.ts', 'a text of 65,535 bytes is sent, one more is not, however few characters that is'],
      ['connectors/mqtt/sink.broker.test.ts', 'is returned for good when the broker forbids its topic'],
    ],
  },
  {
    id: '53',
    what: 'MQTT 5: a PUBACK that says no; limits of the broker',
    does: 'is a refusal',
    tests: [
      ['connectors/mqtt/sink.broker.test.ts', 'is returned as TOO_LARGE before it is sent, to the byte'],
      ['connectors/mqtt/sink.broker.test.ts', 'keeps to the Receive Maximum of the broker'],
    ],
    weaker: 'MQTT 3.1.1 cannot say it: mosquitto confirms what its ACL drops, which explain says',
  },
  {
    id: '54',
    what: 'MQTT: the link is lost while messages are sent again',
    does: 'the client library keeps nothing and sends nothing by itself',
    tests: [
      ['connectors/mqtt/sink.broker.test.ts', 'ends with NOT_CONNECTED when the broker is restarted, and nothing is sent behind our back'],
    ],
  },
  {
    id: '55',
    what: 'STOMP: an ERROR behind several messages',
    does: 'the outcome of all without a receipt is unknown',
    tests: [
      [
        'connectors/stomp/broker-suite.ts',
        'an ERROR of the broker ends the link; what it keeps behind the refused frame is why keepsOrder is none',
      ],
    ],
  },
  {
    id: '56',
    what: 'messages that a broker need not keep',
    does: 'are never written: all are persistent',
    tests: [
      ['connectors/stomp/link.test.ts', 'sends persistent messages with a length, whatever the message says'],
      ['connectors/rabbitmq/sink.broker.test.ts', 'a write resolves when the broker has every message, persistent and in order'],
    ],
  },
  {
    id: '57',
    what: 'a broker is killed right after its confirm',
    does: 'is its own promise: RabbitMQ and Kafka keep it',
    tests: [['connectors/rabbitmq/source.broker.test.ts', 'a broker that is killed ends the source, and what was not acked comes again']],
    lab: ['sinkRestart', 'sourceRestart'],
    weaker: 'mosquitto and ActiveMQ confirm what they have not on disk: in the laboratory they end by SIGTERM',
  },
  {
    id: '58',
    what: 'a sink that is slower than its source for long, then faster',
    does: 'the buffer fills, holds back the source, and drains in order',
    tests: [
      ['buffer/buffer.test.ts', 'waits when the bytes are used up, and goes on as acks make room, down to the active segment (15, 16)'],
      simulation,
    ],
  },
];

export const disk: readonly Row[] = [
  {
    id: '59',
    what: 'a torn end of a file',
    does: 'is cut off behind the last whole frame; nothing that was confirmed is in it',
    tests: [['buffer/buffer.test.ts', 'loses a torn end that was never confirmed, at whatever byte it is cut (2, 7, 8)'], crashes],
  },
  {
    id: '60',
    what: 'a power cut: what was not synced is gone, in any order',
    does: 'what was confirmed is there',
    tests: [crashes, ['buffer/stage/crash.test.ts', 'lets leave all that it confirmed, and each always with the same others']],
  },
  {
    id: '61',
    what: 'EIO from a write, an fsync, of a file, its directory or the cursor',
    does: 'the route stops for good; a restart looks at the files again and writes again what it finds',
    tests: [
      ['faults/eio.test.ts', 'the route stops, what is acked is on disk, a restart delivers all'],
      ['buffer/buffer.test.ts', 'of frames is not forgiven by a second one: what a restart finds is written again before it counts (5)'],
    ],
  },
  {
    id: '62',
    what: 'a full disk; a short write; no more file handles',
    does: 'is waited out, goes on by itself; acks need no room',
    tests: [
      ['buffer/disk.test.ts', 'waits out a full disk, acks on it, and heals'],
      ['buffer/buffer.test.ts', 'lets the far side ack and make room on a full disk (15)'],
      ['buffer/crash.test.ts', 'keeps it when a sync fails and when the disk is full for a while'],
    ],
  },
  {
    id: '63',
    what: 'the cursor is written on a full disk, or half',
    does: 'the last good one is never touched; without any, everything comes again',
    tests: [['buffer/buffer.test.ts', 'sends everything again when the cursor is gone (11)'], crashes],
  },
  {
    id: '64',
    what: 'a flipped bit, a file that is gone or another one',
    does: 'is an error, never passed over',
    tests: [
      ['buffer/crash.test.ts', 'is found, or does no harm, wherever it is'],
      ['buffer/buffer.test.ts', 'is an error when a segment in the middle is gone (7)'],
      ['buffer/buffer.test.ts', 'is an error when a segment of another buffer lies in it (9)'],
    ],
    weaker: '`mqferry buffer verify` says where the damage is; there is no command that repairs it',
  },
  {
    id: '65',
    what: 'a slow disk, or one that does not answer',
    does: 'holds up its own buffer; what a crash would repeat stays bounded; a stop gives up on it',
    tests: [
      [
        'buffer/buffer.test.ts',
        'hands out nothing while too many acks are not on disk, and goes on once they are, however slow the disk is',
      ],
      ['buffer/buffer.test.ts', 'gives up on a disk that does not answer (21)'],
    ],
  },
  {
    id: '66',
    what: 'the last message stays until the next one comes; sizes that are wrong after a crash',
    does: 'each is handed out at once; sizes are counted from the files',
    tests: [
      ['buffer/buffer.test.ts', 'waits when there is nothing, is woken by a write, and gives null on abort (19)'],
      ['buffer/buffer.test.ts', 'removes consumed segments as whole files, and counts real file bytes'],
    ],
  },
  {
    id: '67',
    what: 'another version of mqferry with messages in the buffer',
    does: 'older files are read, newer ones refused by name',
    tests: [
      ['buffer/disk.test.ts', 'of version %s is read for ever (22)'],
      ['buffer/buffer.test.ts', 'of a newer version is refused by name (22)'],
    ],
  },
];

export const pipeline: readonly Row[] = [
  {
    id: '68',
    what: 'poisonous messages: no JSON, 5,000 deep, not UTF-8, against the schema',
    does: 'go to the dead letter as they came, with the reason; not settled before that has arrived',
    tests: [
      ['steps/hostile.test.ts', 'hostile messages go the error path or on, and harm no other: '],
      ['route/hostile.test.ts', 'hostile messages go to a sink or the error path, and those between them where they should'],
      ['engine/route-run.test.ts', 'is not acked while the dead-letter sink is down'],
    ],
  },
  {
    id: '69',
    what: 'filters, splits, empty batches, groups',
    does: 'each delivery ends once: the books balance',
    tests: [
      ['route/split.test.ts', 'the books of a route that splits balance, with %j'],
      ['route/stages.test.ts', 'balance: of several that were made one, all but one are merged'],
      simulation,
    ],
  },
  {
    id: '70',
    what: 'one of several sinks fails',
    does: 'the source is settled when all have it; only the one that failed is tried again',
    tests: [
      ['route/choose.test.ts', 'a message is settled when all that it names have confirmed, and only the sink that refuses gets it again'],
      simulation,
    ],
  },
  {
    id: '71',
    what: 'a step has changed a message, and the sink fails',
    does: 'the dead letter is as it was received; a later try begins with that',
    tests: [
      ['route/later.test.ts', 'what a step cannot do is tried again as it was read'],
      ['envelope.test.ts', 'a copy still knows what was received'],
    ],
  },
  {
    id: '72',
    what: 'routes that make a circle',
    does: 'hops are counted, and end in the dead letter',
    tests: [
      ['route/stamps.test.ts', 'two routes that read what the other writes end in the dead letter, after as many hops as there may be'],
    ],
  },
  {
    id: '73',
    what: 'a route is taken out of the config while its buffer holds messages',
    does: 'nothing starts, and it is said what to do',
    tests: [
      ['buffer/data-directory.test.ts', 'stops the start when it holds messages, with the commands that help'],
      ['route/stages.test.ts', 'a stage that holds messages is not forgotten when its step is gone'],
    ],
    weaker: 'a config is read at the start: there is no reload while it runs',
  },
  {
    id: '74',
    what: 'the dead-letter destination is down, full, or refuses',
    does: 'nothing is acked that it should hold; a refusal stops the route',
    tests: [
      ['engine/route-run.test.ts', 'is not acked while the dead-letter sink is down'],
      ['engine/route-run.test.ts', 'stops the route when the dead-letter destination refuses it'],
      ['route/dead-disk.test.ts', 'waits when they fill their place, says what to do, and loses nothing'],
    ],
    weaker: 'a dead-letter destination that is the source itself is not refused: hops end such a circle',
  },
];

export const timeAndSize: readonly Row[] = [
  {
    id: '75',
    what: 'the wall clock jumps',
    does: 'waits and back-offs go by a clock that does not',
    tests: [
      ['buffer/stage/crash.test.ts', 'that timers go by the wall clock'],
      [
        'buffer/keys/key-log.test.ts',
        'when their window is over, a sixteenth later at most; also while it did not run, whatever was done to the clock',
      ],
    ],
  },
  {
    id: '76',
    what: 'messages of 0 bytes, of one, at a limit and beyond',
    does: 'arrive to the bit, or are refused as TOO_LARGE',
    tests: [
      ['buffer/disk.test.ts', 'keeps a message of 16 MiB to the bit, among small ones'],
      ['connectors/mqtt/source.broker.test.ts', 'carries a body of 1 MiB bit by bit, and one of nothing'],
      ['connectors/stomp/broker-suite.ts', 'carries bodies bit by bit: empty, with NUL, of every byte, 1 MiB'],
      ['connectors/rabbitmq/sink.broker.test.ts', 'bodies arrive bit by bit as they were'],
    ],
    lab: ['plain'],
  },
  {
    id: '77',
    what: 'an hour of faults',
    does: 'memory, file handles and books are flat',
    tests: [],
    weaker: '`npm run faults:soak` runs it, and its last run is on the page of the proof; too long for each commit',
  },
  {
    id: '78',
    what: 'a message comes at the very moment of the stop',
    does: 'is settled, or comes again',
    tests: [simulation],
    lab: ['drain'],
  },
];
