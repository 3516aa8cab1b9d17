/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stack machine whose values are the nodes that made them.
 */
#include "bytecode.h"
#include "fbnet/fbnet.h"

#include <string.h>

#define MAX_REGISTERS 65536
#define MAX_NESTING   64
#define MAX_STACK     65536
#define MAX_NODES     (1u << 20)

typedef struct {
  Graph *graph;
  const PickleValue *instructions, *operators, *constants;
  GPtrArray *stack;     /* Node */
  GPtrArray *registers; /* Node, or NULL */
  guint nesting;
  gboolean raised; /* this way ends in an exception: what it leaves on the stack means nothing */
} Machine;

typedef struct {
  const char *name;
  gint64 x, n;
} Instruction;

/* --- Graph ------------------------------------------------------------------------------------ */

static void
node_free (gpointer data)
{
  Node *node = data;

  g_ptr_array_unref (node->inputs);
  g_ptr_array_unref (node->users);
  g_free (node);
}

void
graph_free (Graph *graph)
{
  if (graph == NULL)
    return;
  g_ptr_array_unref (graph->nodes);
  g_hash_table_unref (graph->ops);
  g_free (graph);
}

static const char *
intern (Graph *graph, const char *op)
{
  const char *known = g_hash_table_lookup (graph->ops, op);

  if (known != NULL)
    return known;
  char *copy = g_strdup (op);
  g_hash_table_add (graph->ops, copy);
  return copy;
}

static Node *
node_new (Graph *graph, const char *op)
{
  Node *node = g_new0 (Node, 1);

  node->op = intern (graph, op);
  node->inputs = g_ptr_array_new ();
  node->users = g_ptr_array_new ();
  g_ptr_array_add (graph->nodes, node);
  return node;
}

static void
node_add_input (Node *node, Node *input)
{
  g_ptr_array_add (node->inputs, input);
  g_ptr_array_add (input->users, node);
}

gboolean
node_is (const Node *node, const char *op)
{
  return node != NULL && strcmp (node->op, op) == 0;
}

Node *
node_input (const Node *node, guint index)
{
  return node != NULL && index < node->inputs->len ? node->inputs->pdata[index] : NULL;
}

const PickleValue *
node_constant (const Node *node, guint input)
{
  const Node *value = node_input (node, input);

  return value != NULL ? value->constant : NULL;
}

Node *
node_user (const Node *node, const char *op)
{
  for (guint i = 0; node != NULL && i < node->users->len; i++)
    if (node_is (node->users->pdata[i], op))
      return node->users->pdata[i];
  return NULL;
}

/* --- Stack ------------------------------------------------------------------------------------ */

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "bytecode: %s", what);
  return FALSE;
}

static gboolean
push (Machine *m, Node *node, GError **error)
{
  if (m->stack->len >= MAX_STACK)
    return fail (error, "the stack is too long");
  g_ptr_array_add (m->stack, node);
  return TRUE;
}

static gboolean
push_constant (Machine *m, const PickleValue *value, GError **error)
{
  if (value == NULL)
    return fail (error, "there is no constant of that index");
  Node *node = node_new (m->graph, "constant");
  node->constant = value;
  return push (m, node, error);
}

static gboolean
has_items (const Machine *m, gint64 n, GError **error)
{
  return (n >= 0 && n <= (gint64) m->stack->len) || fail (error, "the stack is too short");
}

static void
drop (Machine *m, guint n)
{
  g_ptr_array_set_size (m->stack, (gint) (m->stack->len - n));
}

/* A node that reads the last `n` values of the stack, which go. */
static Node *
consume (Machine *m, const char *op, gint64 n, GError **error)
{
  if (!has_items (m, n, error))
    return NULL;
  Node *node = node_new (m->graph, op);
  for (gint64 i = m->stack->len - n; i < m->stack->len; i++)
    node_add_input (node, m->stack->pdata[i]);
  drop (m, (guint) n);
  return node;
}

/* Further results of an operator stand for it with another `output`. */
static gboolean
push_outputs (Machine *m, Node *node, guint n, GError **error)
{
  for (guint i = 0; i < n; i++) {
    Node *output = node;
    if (i > 0) {
      output = node_new (m->graph, "output");
      output->output = i;
      node_add_input (output, node);
    }
    if (!push (m, output, error))
      return FALSE;
  }
  return TRUE;
}

/* --- Registers -------------------------------------------------------------------------------- */

static gboolean
has_register (const Machine *m, gint64 first, gint64 n, GError **error)
{
  const gint64 length = m->registers->len;

  return (first >= 0 && n >= 0 && first <= length && n <= length - first)
      || fail (error, "there is no register of that index");
}

static gboolean
load (Machine *m, gint64 index, GError **error)
{
  if (!has_register (m, index, 1, error))
    return FALSE;
  Node *node = m->registers->pdata[index];
  return node != NULL ? push (m, node, error) : fail (error, "a register is read before it is set");
}

static gboolean
store (Machine *m, gint64 first, gint64 n, GError **error)
{
  if (!has_register (m, first, n, error) || !has_items (m, n, error))
    return FALSE;
  for (gint64 i = 0; i < n; i++)
    m->registers->pdata[first + i] = m->stack->pdata[m->stack->len - n + i];
  drop (m, (guint) n);
  return TRUE;
}

/* --- Instructions ----------------------------------------------------------------------------- */

/* The table of operators says how many values each reads, but not how many it makes. */
static guint
output_count (const char *op)
{
  static const char *const none[] = { "prim::RaiseException", "aten::_set_item.str",
    "aten::_set_item.t", "aten::_set_item.int", NULL };
  static const char *const two[] = { "aten::topk", "aten::max.dim", "aten::min.dim", "aten::sort",
    "aten::sort.stable", "aten::sort.values", NULL };

  if (g_strv_contains (none, op))
    return 0;
  return g_strv_contains (two, op) ? 2 : 1;
}

static gboolean
run_operator (Machine *m, gint64 index, gint64 n, GError **error)
{
  const PickleValue *row = index >= 0 ? pickle_item (m->operators, (guint) index) : NULL;
  const char *name = pickle_string (pickle_item (row, 0));
  const char *overload = pickle_string (pickle_item (row, 1));

  if (name == NULL || overload == NULL)
    return fail (error, "there is no operator of that index");
  if (n < 0)
    n = pickle_integer (pickle_item (row, 2), -1);
  g_autofree char *op = g_strjoin (".", name, *overload != '\0' ? overload : NULL, NULL);
  Node *node = consume (m, op, n, error);
  m->raised |= strcmp (op, "prim::RaiseException") == 0;
  return node != NULL && push_outputs (m, node, output_count (op), error);
}

static gboolean
construct (Machine *m, const char *op, gint64 n, GError **error)
{
  Node *node = consume (m, op, n, error);

  return node != NULL && push (m, node, error);
}

static gboolean
unpack_list (Machine *m, gint64 n, GError **error)
{
  if (n < 0 || n > MAX_STACK)
    return fail (error, "a list cannot be unpacked");
  if (!has_items (m, 1, error))
    return FALSE;
  Node *list = m->stack->pdata[m->stack->len - 1];
  drop (m, 1);
  for (guint i = 0; i < (guint) n; i++) {
    Node *item = node_is (list, "list") ? node_input (list, i) : NULL;
    if (item == NULL) {
      item = node_new (m->graph, "item");
      item->output = i;
      node_add_input (item, list);
    }
    if (!push (m, item, error))
      return FALSE;
  }
  return TRUE;
}

/* Attributes are numbered in the order of the object's state. */
static gboolean
get_attribute (Machine *m, gint64 index, GError **error)
{
  if (!has_items (m, 1, error))
    return FALSE;
  const Node *object = m->stack->pdata[m->stack->len - 1];
  const PickleValue *state = NULL;
  if (object->constant != NULL && object->constant->kind == PICKLE_OBJECT)
    state = object->constant->object.state;
  drop (m, 1);
  if (state == NULL || state->kind != PICKLE_DICT || index < 0 || index >= pickle_length (state))
    return fail (error, "an object has no attribute of that index");
  return push_constant (m, pickle_item (state, 2 * (guint) index + 1), error);
}

static gboolean
read_instruction (const Machine *m, gint64 at, Instruction *out, GError **error)
{
  const PickleValue *row = at >= 0 ? pickle_item (m->instructions, (guint) at) : NULL;

  out->name = pickle_string (pickle_item (row, 0));
  out->x = pickle_integer (pickle_item (row, 1), -1);
  out->n = pickle_integer (pickle_item (row, 2), -1);
  return out->name != NULL || fail (error, "there is no instruction of that index");
}

static gboolean follow (Machine *m, gint64 from, gint64 to, GError **error);

/* One way of a branch; `results` are what it leaves on the stack, which go. */
static gboolean
follow_way (Machine *m, gint64 from, gint64 to, GPtrArray *results, gboolean *raised,
    GError **error)
{
  const guint base = m->stack->len;

  m->raised = FALSE;
  if (!follow (m, from, to, error))
    return FALSE;
  if (m->stack->len < base)
    return fail (error, "a branch leaves the stack shorter");
  for (guint i = base; i < m->stack->len && !m->raised; i++)
    g_ptr_array_add (results, m->stack->pdata[i]);
  drop (m, m->stack->len - base);
  *raised = m->raised;
  return TRUE;
}

static gboolean
push_either (Machine *m, const GPtrArray *a, const GPtrArray *b, GError **error)
{
  for (guint i = 0; i < MAX (a->len, b->len); i++) {
    Node *either = node_new (m->graph, "either");
    if (i < a->len)
      node_add_input (either, a->pdata[i]);
    if (i < b->len)
      node_add_input (either, b->pdata[i]);
    if (!push (m, either, error))
      return FALSE;
  }
  return TRUE;
}

/* JF else; …; JMP end; else: …; end: — both ways are taken, and what they leave on the stack is
 * joined. */
static gboolean
follow_if (Machine *m, gint64 at, gint64 x, gint64 end, gint64 *next, GError **error)
{
  Instruction jump;
  const gint64 otherwise = at + x;

  if (x < 2 || x > end - at)
    return fail (error, "a branch leads nowhere");
  if (!has_items (m, 1, error) || !read_instruction (m, otherwise - 1, &jump, error))
    return FALSE;
  if (jump.x < 1 || jump.x > end)
    return fail (error, "a branch has no end");
  *next = otherwise - 1 + jump.x;
  if (strcmp (jump.name, "JMP") != 0 || *next < otherwise || *next > end)
    return fail (error, "a branch has no end");
  drop (m, 1);
  const gboolean raised = m->raised;
  gboolean raised_then, raised_else;
  g_autoptr (GPtrArray) then_results = g_ptr_array_new ();
  g_autoptr (GPtrArray) else_results = g_ptr_array_new ();
  if (!follow_way (m, at + 1, otherwise - 1, then_results, &raised_then, error)
      || !follow_way (m, otherwise, *next, else_results, &raised_else, error))
    return FALSE;
  m->raised = raised || (raised_then && raised_else);
  return push_either (m, then_results, else_results, error);
}

/* LOOP end, n; …; JMP back; end: — on the stack are the trip count, its limit, the condition and
 * n - 2 carried values; the body finds its number and the carried values, and leaves the condition
 * and the carried ones. */
static gboolean
follow_loop (Machine *m, gint64 at, const Instruction *loop, gint64 end, gint64 *next,
    GError **error)
{
  if (loop->x < 2 || loop->x > end - at || loop->n < 2 || loop->n > MAX_STACK)
    return fail (error, "a loop has no end");
  if (!has_items (m, loop->n + 1, error))
    return FALSE;
  *next = at + loop->x;
  const guint base = m->stack->len - (guint) loop->n - 1;
  m->stack->pdata[base + 2] = node_new (m->graph, "counter");
  if (!follow (m, at + 1, *next - 1, error))
    return FALSE;
  if (m->stack->len != base + (guint) loop->n + 1)
    return fail (error, "a loop leaves the stack longer or shorter");
  g_ptr_array_remove_range (m->stack, base, 3);
  return TRUE;
}

static gboolean
step (Machine *m, gint64 at, gint64 end, gint64 *next, GError **error)
{
  Instruction i;

  *next = at + 1;
  if (m->graph->nodes->len > MAX_NODES)
    return fail (error, "there are more than a million values");
  if (!read_instruction (m, at, &i, error))
    return FALSE;
  if (strcmp (i.name, "OP") == 0)
    return run_operator (m, i.x, -1, error);
  if (strcmp (i.name, "OPN") == 0)
    return run_operator (m, i.x, MAX (i.n, 0), error);
  if (strcmp (i.name, "LOAD") == 0 || strcmp (i.name, "MOVE") == 0)
    return load (m, i.x, error);
  if (strcmp (i.name, "STORE") == 0)
    return store (m, i.x, 1, error);
  if (strcmp (i.name, "STOREN") == 0)
    return store (m, i.x, i.n, error);
  if (strcmp (i.name, "LOADC") == 0)
    return push_constant (m, i.x >= 0 ? pickle_item (m->constants, (guint) i.x) : NULL, error);
  if (strcmp (i.name, "DROP") == 0)
    return consume (m, "dropped", 1, error) != NULL;
  if (strcmp (i.name, "DROPR") == 0)
    return TRUE;
  if (strcmp (i.name, "JF") == 0)
    return follow_if (m, at, i.x, end, next, error);
  if (strcmp (i.name, "LOOP") == 0)
    return follow_loop (m, at, &i, end, next, error);
  if (strcmp (i.name, "LIST_CONSTRUCT") == 0)
    return construct (m, "list", i.n, error);
  if (strcmp (i.name, "DICT_CONSTRUCT") == 0)
    return construct (m, "dict", i.n, error);
  if (strcmp (i.name, "TUPLE_CONSTRUCT") == 0)
    return construct (m, "tuple", i.x, error);
  if (strcmp (i.name, "NAMED_TUPLE_CONSTRUCT") == 0)
    return construct (m, "tuple", i.n, error);
  if (strcmp (i.name, "TUPLE_SLICE") == 0 || strcmp (i.name, "ISINSTANCE") == 0)
    return construct (m, "part", 1, error);
  if (strcmp (i.name, "LIST_UNPACK") == 0)
    return unpack_list (m, i.x, error);
  if (strcmp (i.name, "GET_ATTR") == 0)
    return get_attribute (m, i.x, error);
  if (strcmp (i.name, "RET") == 0) {
    *next = end;
    return TRUE;
  }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "bytecode: the instruction %s is not known here", i.name);
  return FALSE;
}

static gboolean
follow (Machine *m, gint64 from, gint64 to, GError **error)
{
  if (m->nesting >= MAX_NESTING)
    return fail (error, "branches nest too deep");
  m->nesting++;
  gboolean good = TRUE;
  for (gint64 at = from, next; good && at < to; at = next)
    good = step (m, at, to, &next, error);
  m->nesting--;
  return good;
}

/* --- Entry ------------------------------------------------------------------------------------ */

/* (("instructions", (…)), ("operators", (…)), …) */
static const PickleValue *
find_table (const PickleValue *tables, const char *key)
{
  for (guint i = 0; i < pickle_length (tables); i++) {
    const PickleValue *row = pickle_item (tables, i);
    if (g_strcmp0 (pickle_string (pickle_item (row, 0)), key) == 0)
      return pickle_item (row, 1);
  }
  return NULL;
}

/* (version, ("….forward", tables, schema), …) */
static const PickleValue *
find_forward (const PickleValue *bytecode)
{
  for (guint i = 1; i < pickle_length (bytecode); i++) {
    const PickleValue *function = pickle_item (bytecode, i);
    const char *name = pickle_string (pickle_item (function, 0));
    if (name != NULL && g_str_has_suffix (name, ".forward"))
      return pickle_item (function, 1);
  }
  return NULL;
}

/* The first instruction stores the arguments. */
static gboolean
push_arguments (Machine *m, const PickleValue *self, GError **error)
{
  Instruction first;

  if (!read_instruction (m, 0, &first, error))
    return FALSE;
  const gint64 n = strcmp (first.name, "STOREN") == 0 ? first.n : 1;
  if (n < 1 || n > MAX_REGISTERS)
    return fail (error, "the function has no arguments");
  if (!push_constant (m, self, error))
    return FALSE;
  for (gint64 i = 1; i < n; i++)
    if (!push (m, node_new (m->graph, "argument"), error))
      return FALSE;
  return TRUE;
}

Graph *
bytecode_follow (const PickleValue *bytecode, const PickleValue *self, GError **error)
{
  const PickleValue *tables = find_forward (bytecode);
  const gint64 n_registers = pickle_integer (find_table (tables, "register_size"), -1);

  if (tables == NULL || n_registers < 0 || n_registers > MAX_REGISTERS) {
    fail (error, "expected a function `forward` with its registers, found none");
    return NULL;
  }
  g_autoptr (Graph) graph = g_new0 (Graph, 1);
  graph->nodes = g_ptr_array_new_with_free_func (node_free);
  graph->ops = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  g_autoptr (GPtrArray) registers = g_ptr_array_new ();
  g_ptr_array_set_size (registers, (gint) n_registers + 1); /* counted from 1 */
  Machine m = {
    .graph = graph,
    .instructions = find_table (tables, "instructions"),
    .operators = find_table (tables, "operators"),
    .constants = find_table (tables, "constants"),
    .stack = stack,
    .registers = registers,
  };
  if (!push_arguments (&m, self, error) || !follow (&m, 0, pickle_length (m.instructions), error))
    return NULL;
  return g_steal_pointer (&graph);
}
