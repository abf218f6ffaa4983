// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub

extension Bus {
    /// Publishes to a channel without history.
    func publish(_ publication: Publication, completion: @escaping @Sendable (BusError?) -> Void) {
        self.publish(publication, PublishOptions()) { result in
            if case .failure(let error) = result { completion(error) } else { completion(nil) }
        }
    }
}
