import assert from 'node:assert/strict'

import { books, ids, says } from './library.js'

says('full-text search', 'FilterBuilder.textSearch', async () => {
  assert.deepEqual(await ids(books().textSearch('title', 'engine')), [1, 3]) // engines, too
  assert.deepEqual(await ids(books().textSearch('title', "'quiet' & !'harbour'")), [1])
  assert.deepEqual(await ids(books().textSearch('title', 'engine', { config: 'simple' })), [1])
  assert.deepEqual(await ids(books().textSearch('title', 'harbours quiet', { type: 'plain', config: 'english' })), [2])
  assert.deepEqual(await ids(books().textSearch('title', 'quiet engine', { type: 'phrase' })), [1])
  assert.deepEqual(await ids(books().textSearch('title', 'engine quiet', { type: 'phrase' })), [])
  assert.deepEqual(await ids(books().textSearch('title', '"quiet engine" or sums', { type: 'websearch' })), [1, 5])
  assert.deepEqual(await ids(books().textSearch('title', 'hidden')), []) // nobody finds what is not listed
})
