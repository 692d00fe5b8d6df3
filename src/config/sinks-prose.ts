/** What the reference says of the shapes that a sink may have. */
export const sinksProse = `## Sinks

\`\`\`yaml
sink: print                                # a bare word where nothing else is needed
\`\`\`

\`\`\`yaml
sink:                                      # all must confirm
  - rabbitmq: { connection: shop, queue: copy }
  - kafka: { connection: events, topic: orders }
\`\`\`

\`\`\`yaml
sink:
  switch:                                  # the first case that holds
    - when: body.total > 1000
      steps: [ { set: { header.size: large } } ]
      sink: { rabbitmq: { connection: shop, queue: large } }
    - otherwise:
        sink: { rabbitmq: { connection: shop, queue: rest } }
\`\`\`

A message for which no case holds is an error where there is no \`otherwise\`: it is set aside as \`onError\` says.

\`\`\`yaml
sink:
  oneOf: '\${{ body.regions }}'               # a name, or a list of names
  allow:
    eu: { rabbitmq: { connection: shop, queue: eu } }
    us:
      steps: [ { remove: body.vat } ]
      sink: { kafka: { connection: events, topic: us } }
\`\`\`

The message goes to each sink that it names, once (a name that comes twice counts once), and is settled when all of them have confirmed it;
what one of them refuses is tried again there alone. A name that \`allow\` does not have, an empty list, null or anything that is not text is an
error (\`UNROUTABLE\`), and then the message goes to none of them: it is set aside as \`onError\` says. \`allow\` may also be a list of sinks; each
then has the name of its connection, or of its connector when it names no connection.
`;
