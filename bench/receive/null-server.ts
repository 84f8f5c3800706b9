// A server that reads frames and answers 200 without looking at them: what the load alone can do.
import { createServer } from 'node:net';

const endOfHead = Buffer.from('\r\n\r\n');

const server = createServer((socket) => {
  let head = Buffer.alloc(0);
  let bodyLeft = 0;
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (bodyLeft === 0) {
        head = Buffer.concat([head, rest]);
        const end = head.indexOf(endOfHead);
        if (end === -1) return;
        const length = /content-length: (\d+)/i.exec(head.subarray(0, end).toString('latin1'))?.[1];
        rest = head.subarray(end + endOfHead.length);
        head = Buffer.alloc(0);
        bodyLeft = Number(length);
      }
      const taken = Math.min(bodyLeft, rest.length);
      bodyLeft -= taken;
      rest = rest.subarray(taken);
      if (bodyLeft === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});
process.on('disconnect', () => process.exit(0));
