import { rabbitmq } from '../../brokers/rabbitmq.ts';
import { stompSuite } from './broker-suite.ts';

await stompSuite({ kind: rabbitmq, name: 'rabbitmq', vhost: 'mq', refusedBy: 'transaction:zz\n', keptAround: ['good1', 'good2'] });
