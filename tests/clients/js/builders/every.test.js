// Everything the query builders of the installed supabase-js can say: every method has a test that calls it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { BUILDERS, SAID } from './library.js'
import './filters.js'
import './answers.js'
import './writes.js'
import './functions.js'
import './search.js'

// What only the client itself calls, and what no query reaches because its class has it anew.
const INNER = new Set(['QueryBuilder.cloneRequestState', 'Builder.processResponse', 'Builder.returns'])

test('every method of the builders has its test', () => {
  const methods = Object.entries(BUILDERS).flatMap(([name, prototype]) =>
    Object.getOwnPropertyNames(prototype).filter((method) => method !== 'constructor').map((method) => `${name}.${method}`))
  assert.ok(methods.length > 60)
  assert.deepEqual(methods.filter((method) => !SAID.has(method) && !INNER.has(method)), [])
})
