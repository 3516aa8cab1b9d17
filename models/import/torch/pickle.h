/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A restricted unpickler: Python's pickle protocols 0 to 5, as torch.save and TorchScript write
 * them, into a tree of plain values. Nothing is ever imported, called or built: the few names that
 * torch needs have a fixed meaning here, classes of TorchScript become inert objects, and every
 * other name is an error that says which.
 */
#ifndef FBNET_IMPORT_TORCH_PICKLE_H
#define FBNET_IMPORT_TORCH_PICKLE_H

#include <glib.h>

typedef struct _PickleValue PickleValue;

typedef enum {
  PICKLE_NONE,
  PICKLE_BOOL,
  PICKLE_INT,
  PICKLE_BIGINT, /* more than 64 bits: its little-endian bytes */
  PICKLE_FLOAT,
  PICKLE_STRING,
  PICKLE_BYTES,
  PICKLE_LIST,
  PICKLE_TUPLE,
  PICKLE_SET,
  PICKLE_DICT,
  PICKLE_NAME, /* "torch.float32", "__torch__.Wrapper": something named but not called */
  PICKLE_OBJECT,
  PICKLE_STORAGE,
  PICKLE_TENSOR,
} PickleKind;

/* What the elements of a storage are. */
typedef enum {
  TORCH_F64,
  TORCH_F32,
  TORCH_F16,
  TORCH_BF16,
  TORCH_I64,
  TORCH_I32,
  TORCH_I16,
  TORCH_I8,
  TORCH_U8,
  TORCH_BOOL,
  TORCH_QINT8,
  TORCH_QUINT8,
  TORCH_QINT32,
} TorchDtype;

/* NUL-terminated as well, for convenience. */
typedef struct {
  const char *data;
  gsize length;
} PickleText;

/* Bytes that lie outside the pickle: where an archive finds them. */
typedef struct {
  TorchDtype dtype;
  const char *folder; /* of the archive */
  const char *key;
  gsize n_elements;
} PickleStorage;

#define TORCH_MAX_DIMS 8

/* A view of a storage; checked to lie inside it. Strides and offset count elements. */
typedef struct {
  const PickleStorage *storage;
  gsize offset;
  guint n_dims;
  gsize shape[TORCH_MAX_DIMS];
  gsize strides[TORCH_MAX_DIMS];
  /* Quantised tensors only, NULL otherwise: FLOAT and INT, or tensors along `axis`. */
  const PickleValue *scale, *zero_point;
  guint axis;
} PickleTensor;

struct _PickleValue {
  PickleKind kind;
  guint16 height; /* of the tree below; set when the pickle is complete */
  guint8 mark;    /* of the search that sets it */
  union {
    gboolean boolean;
    gint64 integer;
    double number;
    PickleText text;  /* STRING, BYTES, BIGINT, NAME */
    GPtrArray *items; /* LIST, TUPLE, SET; DICT: key, value, key, value, … */
    struct {
      const char *class_name;
      PickleValue *arguments; /* TUPLE */
      PickleValue *state;     /* NULL: BUILD never came */
    } object;
    PickleStorage storage;
    PickleTensor *tensor;
  };
};

/* Owns its values; they live as long as it does. */
typedef struct _Pickle Pickle;

/* `folder`: what its storages shall say; `name`: what to call it in messages. `consumed` (nullable):
 * how many bytes the pickle took; without it, all of them must be used. */
Pickle *pickle_parse (const guint8 *data, gsize size, const char *name, const char *folder,
    gsize *consumed, GError **error);
void pickle_free (Pickle *pickle); /* NULL is allowed */
const PickleValue *pickle_root (const Pickle *pickle);

/* Reads of the tree. They take NULL and values of any kind, and answer NULL (or `fallback`) when it
 * is not what was asked for, so that a path of them can be checked once at its end. */
const PickleValue *pickle_dict_get (const PickleValue *dict, const char *key);
const PickleValue *pickle_item (const PickleValue *sequence, guint index);
guint pickle_length (const PickleValue *sequence); /* a DICT's pairs */
const char *pickle_string (const PickleValue *value);
const PickleTensor *pickle_tensor (const PickleValue *value);
gboolean pickle_number (const PickleValue *value, double *number);
gint64 pickle_integer (const PickleValue *value, gint64 fallback);
/* The attribute of an object whose state is a dict. */
const PickleValue *pickle_attribute (const PickleValue *object, const char *name);
const char *pickle_kind_name (PickleKind kind);

gsize torch_dtype_size (TorchDtype dtype);
const char *torch_dtype_name (TorchDtype dtype);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pickle, pickle_free)

#endif
