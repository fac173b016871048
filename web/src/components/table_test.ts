import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortRows, type Column } from './table';

interface Row { name: string; n: number | null }
const rows: Row[] = [{ name: 'n10', n: 3 }, { name: 'n9', n: null }, { name: 'n1', n: 7 }];
const columns: Column<Row>[] = [{ key: 'name', title: '' }, { key: 'n', title: '' }];
const names = (sort: string) => sortRows(rows, columns, sort).map((r) => r.name).join(' ');

test('numbers in names sort as numbers', () => assert.equal(names('name'), 'n1 n9 n10'));

test('what is not known stands last, up or down', () => {
  assert.equal(names('n'), 'n10 n1 n9');
  assert.equal(names('-n'), 'n1 n10 n9');
});

test('an unknown column leaves the order', () => assert.equal(names('-x'), 'n10 n9 n1'));
