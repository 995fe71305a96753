/** The transport room's front: what composition roots and tests use of it. */
export { createExecServer, type ExecServer, type ExecSource } from './exec-socket.ts';
export { serveFeed, type FeedSource } from './feed-socket.ts';
export { createMemoryNetwork } from './memory-network.ts';
export { createWsDialer, linkPath, linkUrl } from './ws-dialer.ts';
export { acceptLink } from './ws-link.ts';
export { createWebSocketServer, type UpgradeServer } from './ws-server.ts';
export type { WebSocket } from 'ws';
