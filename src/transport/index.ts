/** The transport room's front: what composition roots and tests use of it. */
export { serveFeed, type FeedSource } from './feed-socket.ts';
export { createMemoryNetwork, type MemoryNetwork } from './memory-network.ts';
export { createWsDialer, linkPath, linkUrl, type WsDialerOptions } from './ws-dialer.ts';
export { acceptLink, type LinkOptions } from './ws-link.ts';
export { createWebSocketServer, type SocketKind, type UpgradeServer } from './ws-server.ts';
export type { WebSocket } from 'ws';
