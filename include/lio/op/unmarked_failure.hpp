// Base of the operations that Linux does not mark as failed when they fail. Includes the base of all; any thread.
#pragma once

#include <lio/op/operation.hpp>

namespace lio::inline v0::op {

/// From Linux 6.0 on, up to 7.3 at least, the kernel forgets to mark these operations as failed when the failure comes
/// from the file system, not from the entry itself; of a socket in a slot, since 5.19, when it comes from the table of
/// files. Their completion carries the error as always. But:
/// - a chain goes on behind them: link() keeps the order, and does not cancel what follows. Do not let a step depend on
///   one of them within a chain; look at the completion first;
/// - with skip_success() the error would vanish together with the completion. So they do not have it.
template <class Derived>
class unmarked_failure : public operation<Derived> {
public:
    Derived skip_success() const = delete;

protected:
    constexpr unmarked_failure() noexcept = default;
};

} // namespace lio::inline v0::op
