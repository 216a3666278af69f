import assert from 'node:assert/strict'

import { anon, books, ids, says } from './library.js'

says('comparisons', 'FilterBuilder.eq neq gt gte lt lte', async () => {
  assert.deepEqual(await ids(books().eq('title', 'Sums')), [5])
  assert.deepEqual(await ids(books().eq('price', 12.5)), [1]) // the sixth costs as much, and is not listed
  assert.deepEqual(await ids(books().neq('pages', 210)), [2, 3, 5])
  assert.deepEqual(await ids(books().gt('printed', '2010-09-09')), [4, 5])
  assert.deepEqual(await ids(books().gte('printed', '2010-09-09')), [3, 4, 5])
  assert.deepEqual(await ids(books().lt('details->copies', 12)), [1, 3, 4])
  assert.deepEqual(await ids(books().lte('price', 9)), [2, 4])
})

says('patterns', 'FilterBuilder.like likeAllOf likeAnyOf ilike ilikeAllOf ilikeAnyOf', async () => {
  assert.deepEqual(await ids(books().like('title', '%Engine%')), [1, 3])
  assert.deepEqual(await ids(books().likeAllOf('title', ['%Quiet%', 'A%'])), [2])
  assert.deepEqual(await ids(books().likeAnyOf('title', ['The%', 'Sums'])), [1, 5])
  assert.deepEqual(await ids(books().ilike('title', 'RAIN%')), [4])
  assert.deepEqual(await ids(books().ilikeAllOf('title', ['%rain%', '%of%'])), [3])
  assert.deepEqual(await ids(books().ilikeAnyOf('title', ['%RAIN%', 'sums'])), [3, 4, 5])
})

says('regular expressions', 'FilterBuilder.regexMatch regexIMatch', async () => {
  assert.deepEqual(await ids(books().regexMatch('title', '^[AE]')), [2, 3])
  assert.deepEqual(await ids(books().regexIMatch('title', '^r|engine$')), [1, 4])
})

says('nulls and lists', 'FilterBuilder.is isDistinct in notIn', async () => {
  assert.deepEqual(await ids(books().is('pages', null)), [4])
  assert.deepEqual(await ids(books().is('listed', true)), [1, 2, 3, 4, 5])
  assert.deepEqual(await ids(books().isDistinct('pages', 210)), [2, 3, 4, 5])
  assert.deepEqual(await ids(books().in('title', ['Sums', 'rain again', 'The Hidden Engine'])), [4, 5])
  assert.deepEqual(await ids(books().notIn('id', [1, 2])), [3, 4, 5])
})

says('arrays, documents and ranges contain', 'FilterBuilder.contains containedBy overlaps', async () => {
  assert.deepEqual(await ids(books().contains('tags', ['steam'])), [1, 3])
  assert.deepEqual(await ids(books().contains('details', { copies: 3 })), [1, 4])
  assert.deepEqual(await ids(books().contains('lent', '[12,13)')), [2, 3])
  assert.deepEqual(await ids(books().containedBy('tags', ['rain', 'sea', 'steam'])), [3, 4, 5])
  assert.deepEqual(await ids(books().containedBy('details', { copies: 3, cover: null })), [4, 5])
  assert.deepEqual(await ids(books().containedBy('lent', '[1,20)')), [1, 2, 3, 5])
  assert.deepEqual(await ids(books().overlaps('tags', ['sea', 'rain'])), [2, 3, 4])
  assert.deepEqual(await ids(books().overlaps('lent', '[9,11)')), [1, 2, 3])
})

says('ranges lie', 'FilterBuilder.rangeGt rangeGte rangeLt rangeLte rangeAdjacent', async () => {
  assert.deepEqual(await ids(books().rangeGt('lent', '[1,10)')), [2, 4])
  assert.deepEqual(await ids(books().rangeGte('lent', '[5,10)')), [2, 3, 4])
  assert.deepEqual(await ids(books().rangeLt('lent', '[15,30)')), [1, 3])
  assert.deepEqual(await ids(books().rangeLte('lent', '[0,15)')), [1, 3])
  assert.deepEqual(await ids(books().rangeAdjacent('lent', '[20,30)')), [2, 4])
})

says('conditions together', 'FilterBuilder.match not or filter', async () => {
  assert.deepEqual(await ids(books().match({ author_id: 1, pages: 210 })), [1])
  assert.deepEqual(await ids(books().not('tags', 'cs', '{calm}')), [3, 4, 5])
  assert.deepEqual(await ids(books().not('pages', 'in', '(210,99)')), [2, 3])
  assert.deepEqual(await ids(books().or('pages.lt.100,and(tags.cs.{rain},price.lt.10)')), [4, 5])
  const ofRain = anon.from('authors').select('id, books!inner(id)').or('title.ilike.*rain*', { referencedTable: 'books' })
  assert.deepEqual(await ids(ofRain), [2])
  assert.deepEqual(await ids(books().filter('details->cover->>colour', 'in', '(blue,green)')), [2])
})
