import assert from 'node:assert/strict'

import { books, rows, says } from './library.js'

says('execution plans', 'TransformBuilder.explain', async () => {
  const text = await rows(books().eq('id', 1).explain())
  assert.match(text, /books/)
  const [told] = await rows(books().eq('id', 1).explain({ format: 'json', analyze: true, verbose: true }))
  assert.ok(told.Plan)
})
