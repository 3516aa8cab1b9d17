/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random numbers as functions of a key: nothing is kept from one to the next, so that a sample comes
 * out the same in whatever order and thread it is drawn. splitmix64 (Steele, Lea, Flood: Fast
 * Splittable Pseudorandom Number Generators, 2014) with its counter given.
 */
#ifndef FBNET_TRAINING_RANDOMKEY_H
#define FBNET_TRAINING_RANDOMKEY_H

#include <glib.h>

typedef struct {
  guint64 value;
} RandomKey;

/* Of a seed; and of a key for its part number `number`, unrelated to all other keys. */
RandomKey random_key_new (guint64 seed);
RandomKey random_key_part (RandomKey key, guint64 number);

/* The key's number at `index`. */
guint64 random_key_bits (RandomKey key, guint64 index);
double random_key_uniform (RandomKey key, guint64 index); /* from 0 to below 1 */
double random_key_between (RandomKey key, guint64 index, double low, double high);
guint random_key_below (RandomKey key, guint64 index, guint n); /* 0 … n-1; n >= 1 */

/* 0 … n-1 in an order that the key names, every order as likely as another. */
void random_key_shuffle (RandomKey key, guint32 *order, guint n);

#endif
