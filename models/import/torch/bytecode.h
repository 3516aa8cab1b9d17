/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The lite interpreter's bytecode (torch/csrc/jit/mobile/interpreter.cpp), followed without being
 * run: every operator becomes a node that says which others it reads, so that the network in it can
 * be recognised.
 */
#ifndef FBNET_IMPORT_TORCH_BYTECODE_H
#define FBNET_IMPORT_TORCH_BYTECODE_H

#include "pickle.h"

typedef struct _Node Node;

struct _Node {
  const char *op;              /* "aten::div.Tensor"; "constant", "list", "either", … */
  const PickleValue *constant; /* of op "constant", else NULL */
  GPtrArray *inputs;           /* Node */
  GPtrArray *users;            /* Node, each once per use */
  guint output;                /* which of the operator's results this is */
};

typedef struct {
  GPtrArray *nodes; /* in the order of execution */
  GHashTable *ops;  /* their names */
} Graph;

/* The `forward` function in the tree of bytecode.pkl; `self` is the tree of data.pkl. Every branch
 * is followed once, every loop body once. */
Graph *bytecode_follow (const PickleValue *bytecode, const PickleValue *self, GError **error);
void graph_free (Graph *graph); /* NULL is allowed */

/* Reads that take NULL and answer NULL (or FALSE), as those of pickle.h. */
gboolean node_is (const Node *node, const char *op);
Node *node_input (const Node *node, guint index);
const PickleValue *node_constant (const Node *node, guint input);
Node *node_user (const Node *node, const char *op); /* the first of that op */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Graph, graph_free)

#endif
