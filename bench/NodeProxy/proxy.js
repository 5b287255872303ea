// The proxy that one writes with Node's own modules: one process, connections to the nodes kept alive.
// Arguments: the port, then the nodes' ports.
'use strict';
const http = require('node:http');

const [port, ...nodes] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1024 });

function nodeOf(client) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < client.length; i++) {
    hash = Math.imul(hash ^ client.charCodeAt(i), 0x01000193);
  }
  return nodes[((hash ^ (hash >>> 15)) >>> 0) % nodes.length];
}

const server = http.createServer((request, response) => {
  const peer = request.socket.remoteAddress;
  const before = request.headers['x-forwarded-for'];
  const { connection, 'keep-alive': keepAlive, ...headers } = request.headers;
  headers['x-forwarded-for'] = before ? `${before}, ${peer}` : peer;
  const forwarded = http.request(
    { host: '127.0.0.1', port: nodeOf(before ?? peer), method: request.method, path: request.url, headers, agent },
    (answer) => {
      const { connection: _, 'keep-alive': __, ...fields } = answer.headers;
      response.writeHead(answer.statusCode, fields);
      answer.pipe(response);
    });
  forwarded.on('error', () => {
    if (!response.headersSent) {
      response.writeHead(502);
    }
    response.end();
  });
  request.pipe(forwarded);
});
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', 4096);
