/*
 * Generic netlink by hand: two messages (which number has the family "ethtool";
 * give me a page) need no library.  The kernel's answers are read through a
 * bounded cursor all the same.
 */
#include "agent/module_bus.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MESSAGE_MAX 512
#define ANSWER_MAX 4096
#define ANSWERS_MAX 8       /* datagrams until ours comes */
#define ANSWER_SECONDS 5    /* the worker's keeper is stricter */
#define FLAT_MAX 640        /* of SFF-8636, the longest that the ioctl gives of what we know */

/* ---- writing a message ----------------------------------------------------------------------- */

struct message {
    _Alignas(struct nlmsghdr) uint8_t byte[MESSAGE_MAX];
    size_t size;
};

static void begin(struct message *m, uint16_t type, uint8_t command, uint32_t seq)
{
    struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = seq };
    struct genlmsghdr g = { .cmd = command, .version = 1 };
    memset(m, 0, sizeof(*m));
    memcpy(m->byte, &h, sizeof(h));
    memcpy(m->byte + NLMSG_HDRLEN, &g, sizeof(g));
    m->size = NLMSG_HDRLEN + GENL_HDRLEN;
}

static void add(struct message *m, uint16_t type, const void *data, size_t size)
{
    struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type };
    must(m->size + NLA_HDRLEN + NLA_ALIGN(size) <= sizeof(m->byte));
    memcpy(m->byte + m->size, &a, sizeof(a));
    memcpy(m->byte + m->size + NLA_HDRLEN, data, size);
    m->size += NLA_HDRLEN + NLA_ALIGN(size);
}

/* An attribute that holds one other, a name. */
static void add_name(struct message *m, uint16_t nest, uint16_t type, const char *name)
{
    uint8_t inner[NLA_HDRLEN + IFNAMSIZ] = { 0 };
    size_t size = strlen(name) + 1;
    struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type };
    must(size <= IFNAMSIZ);
    memcpy(inner, &a, sizeof(a));
    memcpy(inner + NLA_HDRLEN, name, size);
    add(m, (uint16_t)(nest | NLA_F_NESTED), inner, NLA_HDRLEN + size);
}

static int send_message(const struct module_bus *b, struct message *m, struct mw_error *err)
{
    uint32_t size = (uint32_t)m->size;
    memcpy(m->byte + offsetof(struct nlmsghdr, nlmsg_len), &size, sizeof(size));
    if (send(b->netlink, m->byte, m->size, 0) == (ssize_t)m->size)
        return 0;
    return mw_fail(err, MW_EIO, "netlink does not take a message: %s", strerror(errno));
}

/* ---- reading the answer ---------------------------------------------------------------------- */

static int said_no(int error, struct mw_error *err)
{
    int code = error == EPERM || error == EACCES ? MW_EDENIED
               : error == EOPNOTSUPP             ? MW_EVERSION
                                                 : MW_ENOTFOUND; /* EIO, ENODEV, EINVAL, … */
    return mw_fail(err, code, "the module cannot be read: %s", strerror(error));
}

/* The attribute of a type among those from `at`; NULL when it is not there. */
static const uint8_t *find_attribute(const uint8_t *at, size_t size, uint16_t type,
                                     size_t *ret_size)
{
    while (size >= NLA_HDRLEN) {
        struct nlattr a;
        memcpy(&a, at, sizeof(a));
        if (a.nla_len < NLA_HDRLEN || a.nla_len > size)
            return NULL;
        if ((a.nla_type & NLA_TYPE_MASK) == type) {
            *ret_size = a.nla_len - (size_t)NLA_HDRLEN;
            return at + NLA_HDRLEN;
        }
        size_t step = MW_MIN((size_t)NLA_ALIGN(a.nla_len), size);
        at += step;
        size -= step;
    }
    return NULL;
}

/* Waits for the answer to m: its attribute `type`, copied; *ret_size is set. */
static int take_answer(const struct module_bus *b, uint16_t type, uint8_t *ret, size_t most,
                       size_t *ret_size, struct mw_error *err)
{
    uint8_t answer[ANSWER_MAX];
    for (uint32_t i = 0; i < ANSWERS_MAX; i++) {
        struct nlmsghdr h;
        ssize_t n = recv(b->netlink, answer, sizeof(answer), 0);
        if (n < (ssize_t)sizeof(h))
            return mw_fail(err, MW_ENOTFOUND, "no answer: %s", strerror(n < 0 ? errno : EBADMSG));
        memcpy(&h, answer, sizeof(h));
        if (h.nlmsg_seq != b->seq || h.nlmsg_len > (size_t)n)
            continue; /* of an earlier question that was given up */
        if (h.nlmsg_type == NLMSG_ERROR && h.nlmsg_len >= NLMSG_HDRLEN + sizeof(int)) {
            int error;
            memcpy(&error, answer + NLMSG_HDRLEN, sizeof(error));
            return said_no(-error, err);
        }
        size_t head = NLMSG_HDRLEN + GENL_HDRLEN, size = 0;
        const uint8_t *found =
            h.nlmsg_len >= head ? find_attribute(answer + head, h.nlmsg_len - head, type, &size)
                                : NULL;
        if (found == NULL || size > most)
            return mw_fail(err, MW_ECORRUPT, "the kernel's answer lacks its attribute");
        memcpy(ret, found, size);
        *ret_size = size;
        return 0;
    }
    return mw_fail(err, MW_ENOTFOUND, "no answer among %d", ANSWERS_MAX);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int find_family(struct module_bus *b, struct mw_error *err)
{
    struct message m;
    uint8_t number[sizeof(b->family)];
    size_t size;
    begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, ++b->seq);
    add(&m, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME, sizeof(ETHTOOL_GENL_NAME));
    int rc = send_message(b, &m, err);
    if (rc == 0)
        rc = take_answer(b, CTRL_ATTR_FAMILY_ID, number, sizeof(number), &size, err);
    if (rc == 0 && size != sizeof(number))
        rc = mw_fail(err, MW_ECORRUPT, "the number of a family has %zu bytes", size);
    if (rc == 0)
        memcpy(&b->family, number, sizeof(number));
    return rc;
}

int module_bus_open(struct module_bus *b, struct mw_error *err)
{
    const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
    const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    *b = (struct module_bus){ .netlink = -1, .socket = -1 };
    b->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (b->socket < 0)
        return mw_fail(err, MW_EIO, "no socket: %s", strerror(errno));
    b->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    if (b->netlink >= 0 &&
        (setsockopt(b->netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
         connect(b->netlink, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
         find_family(b, NULL) < 0)) {
        (void)close(b->netlink);
        b->netlink = -1;
    }
    return 0;
}

void module_bus_close(struct module_bus *b)
{
    if (b->netlink >= 0)
        (void)close(b->netlink);
    if (b->socket >= 0)
        (void)close(b->socket);
    b->netlink = b->socket = -1;
}

/* ---- asking ---------------------------------------------------------------------------------- */

int module_bus_page(struct module_bus *b, const char *interface, struct eeprom_place place,
                    uint8_t ret[EEPROM_PAGE], struct mw_error *err)
{
    const uint32_t offset = place.offset, length = EEPROM_PAGE;
    struct message m;
    size_t size = 0;
    if (b->netlink < 0)
        return mw_fail(err, MW_EVERSION, "this kernel has no ethtool family");
    if (strlen(interface) >= IFNAMSIZ)
        return mw_fail(err, MW_EINVAL, "%s is no name of an interface", interface);
    begin(&m, b->family, ETHTOOL_MSG_MODULE_EEPROM_GET, ++b->seq);
    add_name(&m, ETHTOOL_A_MODULE_EEPROM_HEADER, ETHTOOL_A_HEADER_DEV_NAME, interface);
    add(&m, ETHTOOL_A_MODULE_EEPROM_OFFSET, &offset, sizeof(offset));
    add(&m, ETHTOOL_A_MODULE_EEPROM_LENGTH, &length, sizeof(length));
    add(&m, ETHTOOL_A_MODULE_EEPROM_PAGE, &place.page, 1);
    add(&m, ETHTOOL_A_MODULE_EEPROM_BANK, &place.bank, 1);
    add(&m, ETHTOOL_A_MODULE_EEPROM_I2C_ADDRESS, &place.address, 1);
    int rc = send_message(b, &m, err);
    if (rc == 0)
        rc = take_answer(b, ETHTOOL_A_MODULE_EEPROM_DATA, ret, EEPROM_PAGE, &size, err);
    if (rc == 0 && size != EEPROM_PAGE)
        rc = mw_fail(err, MW_ENOTFOUND, "%zu bytes of a page", size);
    return rc;
}

int module_bus_flat(struct module_bus *b, const char *interface, struct eeprom *ret,
                    struct mw_error *err)
{
    _Alignas(struct ethtool_eeprom) uint8_t buffer[sizeof(struct ethtool_eeprom) + FLAT_MAX];
    struct ethtool_eeprom ask = { .cmd = ETHTOOL_GMODULEEEPROM };
    struct ethtool_modinfo info = { .cmd = ETHTOOL_GMODULEINFO };
    struct ifreq r = { .ifr_data = (void *)&info };
    if (strlen(interface) >= sizeof(r.ifr_name))
        return mw_fail(err, MW_EINVAL, "%s is no name of an interface", interface);
    memcpy(r.ifr_name, interface, strlen(interface));
    if (ioctl(b->socket, SIOCETHTOOL, &r) < 0)
        return said_no(errno, err);
    ask.len = MW_MIN(info.eeprom_len, FLAT_MAX);
    memset(buffer, 0, sizeof(buffer));
    memcpy(buffer, &ask, sizeof(ask));
    r.ifr_data = (void *)buffer;
    if (ioctl(b->socket, SIOCETHTOOL, &r) < 0)
        return said_no(errno, err);
    return eeprom_from_dump(ret, buffer + sizeof(ask), ask.len, err);
}
