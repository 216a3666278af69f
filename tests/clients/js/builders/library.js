// The library's clients, and `says`: a test that states which methods of the client's builders it is about.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const { LIBRARY_URL, LIBRARY_ANON_KEY, LIBRARY_SERVICE_KEY, LIBRARY_PLACE } = process.env

const connect = (key) =>
  createClient(LIBRARY_URL, key, { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport: ws } })

export const anon = connect(LIBRARY_ANON_KEY)
export const service = connect(LIBRARY_SERVICE_KEY)
export const place = LIBRARY_PLACE // sqlite or postgres: app mode; database: database mode

// The builders' classes, found on what the client hands out: no import could be another copy than the client's own.
const query = anon.from('books')
const filters = query.select()
const above = Object.getPrototypeOf
export const BUILDERS = {
  Client: above(anon.schema('public')),
  QueryBuilder: above(query),
  FilterBuilder: above(filters),
  TransformBuilder: above(above(filters)),
  Builder: above(above(above(filters))),
}

// Which test is about which method. `Class.method` is a key, as in `BUILDERS`.
export const SAID = new Map()
let called = new Set()

for (const [name, prototype] of Object.entries(BUILDERS)) {
  for (const method of Object.getOwnPropertyNames(prototype)) {
    const original = prototype[method]
    if (method === 'constructor' || typeof original !== 'function') continue
    prototype[method] = function (...given) {
      called.add(`${name}.${method}`)
      return original.apply(this, given)
    }
  }
}

// A test about some methods, `'FilterBuilder.eq neq, Builder.then'`: it fails when it does not call each of them.
export function says(title, about, body) {
  const methods = about.split(', ').flatMap((part) => {
    const [builder, names] = part.split('.')
    return names.split(' ').map((name) => `${builder}.${name}`)
  })
  for (const method of methods) SAID.set(method, title)
  test(title, async () => {
    called = new Set()
    await body()
    assert.deepEqual(methods.filter((method) => !called.has(method)), [], 'methods that the test does not call')
  })
}

export const books = (select = 'id') => anon.from('books').select(select)
export const shelves = () => service.from('shelves')

// What a query answers, when it must not fail.
export async function rows(query) {
  const { data, error } = await query
  if (error) throw new Error(`${error.code}: ${error.message} (${error.details}; ${error.hint})`)
  return data
}

export const ids = async (query) => (await rows(query.order('id'))).map(({ id }) => id)

// The status and code of a query that must fail.
export async function refusal(query) {
  const { data, error, status } = await query
  if (!error) throw new Error(`not refused, answered ${status}: ${JSON.stringify(data)}`)
  return [status, error.code]
}
