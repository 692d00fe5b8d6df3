import { activemq } from '../../brokers/activemq.ts';
import { stompSuite } from './broker-suite.ts';

await stompSuite({ kind: activemq, name: 'activemq', vhost: '/', refusedBy: 'transaction:zz\n', keptAround: ['good1', 'good2'] });
