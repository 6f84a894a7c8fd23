/**
 * MCP servers in the tools of a session. This gateway reaches none: the session takes them, and is told honestly that
 * their tools could not be listed.
 */
import type { Conversation } from './conversation.ts';
import { type Draft, newId } from './events.ts';
import type { McpTool, ToolConfig } from './schema.ts';

export class McpServers {
  readonly #conversation: Conversation;
  readonly #send: (event: Draft) => void;
  readonly #tried = new Set<string>();

  constructor(conversation: Conversation, send: (event: Draft) => void) {
    this.#conversation = conversation;
    this.#send = send;
  }

  /** Servers that were not tried yet. */
  list(tools: readonly ToolConfig[]): void {
    for (const tool of tools) {
      if (tool.type !== 'mcp') continue;
      const sign = JSON.stringify(tool);
      if (this.#tried.has(sign)) continue;
      this.#tried.add(sign);
      this.#fail(tool);
    }
  }

  #fail({ server_label }: McpTool): void {
    const id = newId('mcpl');
    const entry = this.#conversation.append({
      item: { type: 'mcp_list_tools', id, server_label, tools: [] },
      audioMs: 0,
      answered: true,
    });
    const previous = this.#conversation.previousOf(id);
    const item = structuredClone(entry.item);
    this.#send({ type: 'conversation.item.added', previous_item_id: previous, item });
    this.#send({ type: 'mcp_list_tools.in_progress', item_id: id });
    this.#send({ type: 'mcp_list_tools.failed', item_id: id });
    this.#send({ type: 'conversation.item.done', previous_item_id: previous, item });
  }
}
