// Sends what a request file says with one AI SDK, as a program of a user would, one request after the
// other. Usage: node --tls-keylog=FILE sdk_client.mjs SDK REQUESTS.json, where REQUESTS.json is a list
// of {form, text}. The forms are the calls below; ws is a plain WebSocket.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const [sdk, requestFile] = process.argv.slice(2);
const requests = JSON.parse(readFileSync(requestFile, 'utf8'));

// The packages stand in a folder of their own, not beside this file.
const require = createRequire(process.env.CLIENT_PACKAGES + '/package.json');
const drain = async (stream) => { for await (const _ of stream) { } };
const numbered = (text) => text.split('\n').map((line, i) => `${String(i + 1).padStart(6)}\t${line}`).join('\n');

const sdks = {
  async anthropic() {
    const Anthropic = require('@anthropic-ai/sdk');
    const client = new Anthropic({apiKey: 'none', maxRetries: 0, timeout: 20000});
    const common = {model: 'claude-sonnet-4-5', max_tokens: 64};
    return {
      ask: (text) => client.messages.create(
        {...common, messages: [{role: 'user', content: `What does this do?\n${text}`}]}),
      stream: async (text) => drain(await client.messages.create(
        {...common, stream: true, messages: [{role: 'user', content: [{type: 'text', text}]}]})),
      tool: (text) => client.messages.create({...common, messages: [
        {role: 'user', content: 'Read the file.'},
        {role: 'assistant', content: [{type: 'tool_use', id: 'toolu_1', name: 'Read', input: {file_path: 'a.txt'}}]},
        {role: 'user', content: [{type: 'tool_result', tool_use_id: 'toolu_1', content: numbered(text)}]}]}),
    };
  },
  async openai() {
    const OpenAI = require('openai');
    const client = new OpenAI({apiKey: 'none', maxRetries: 0, timeout: 20000});
    return {
      ask: (text) => client.responses.create({model: 'gpt-5', input: `Explain:\n${text}`}),
      stream: async (text) => drain(await client.chat.completions.create(
        {model: 'gpt-5', stream: true, messages: [{role: 'user', content: text}]})),
      file: async (text) => client.files.create(
        {purpose: 'assistants', file: await OpenAI.toFile(Buffer.from(text), 'notes.txt')}),
    };
  },
  async google() {
    const {GoogleGenAI} = require('@google/genai');
    const client = new GoogleGenAI({apiKey: 'none'});
    const model = 'gemini-2.5-pro';
    return {
      ask: (text) => client.models.generateContent({model, contents: `Explain this.\n${text}`}),
      stream: async (text) => drain(await client.models.generateContentStream({model, contents: text})),
      file: (text) => client.models.generateContent({model, contents: [{role: 'user', parts: [
        {text: 'What is in this file?'},
        {inlineData: {mimeType: 'text/plain', data: Buffer.from(text).toString('base64')}}]}]}),
    };
  },
  async ws() {
    const WebSocket = require('ws');
    const socket = new WebSocket('wss://api.openai.com/v1/realtime?model=gpt-realtime',
                                 {headers: {Authorization: 'Bearer none'}});
    const next = (event) => new Promise((resolve, reject) => {
      socket.once(event, resolve);
      socket.once('error', reject);
    });
    await next('open');
    const message = (text) => JSON.stringify({type: 'conversation.item.create',
      item: {type: 'message', role: 'user', content: [{type: 'input_text', text}]}});
    const exchange = async (text, options) => {
      const answer = next('message');
      if (options.cut) {  // one message in several frames
        const body = message(text), middle = body.length >> 1;
        socket.send(body.slice(0, middle), {...options, fin: false});
        socket.ping();
        socket.send(body.slice(middle), options);
      } else {
        socket.send(message(text), options);
      }
      await answer;
    };
    return {
      ask: (text) => exchange(text, {compress: true}),
      stream: (text) => exchange(text, {compress: true, cut: true}),
      file: (text) => exchange(text, {compress: false}),
      end: async () => { const closed = next('close'); socket.close(); await closed; },
    };
  },
};

const forms = await sdks[sdk]();
for (const [i, {form, text}] of requests.entries()) {
  // Without a pause, fetch takes another connection: it does not know yet that the first is free.
  if (i > 0) await new Promise((done) => setTimeout(done, 30));
  await (forms[form] ?? forms.ask)(text);
}
await forms.end?.();
