// Leads every connection to port 443 to the sandbox; names and certificates are those of the real services.
import net from "node:net";

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (Number(options?.port) === 443) {
    Object.assign(options, { host: "127.0.0.1", port: Number(process.env.SANDBOX_PORT), lookup: undefined });
  }
  return connect.apply(this, args);
};
