"""MNIST with the lecture's algorithm: 784-300-10, logistic units, squared error, one sample per step.

    SKBACKPROP_DATA=/folder/of/mnist.npz python docs/benchmarks/mnist.py

Without SKBACKPROP_DATA the data are fetched from OpenML. Prints the step size, loss, test error and seconds of training
so far after each epoch, on one core. The step size falls by a tenth from epoch to epoch.

For comparison, LeCun et al. 1998 (Proc. IEEE 86) report, without distortions and trained on the squared error, 4.7 %
test error for 784-300-10 and 3.05 % for 784-300-100-10.
"""

import argparse
import time

from _data import mnist

from skbackprop import BackpropClassifier

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--hidden", type=int, nargs="*", default=[300], help="hidden layer sizes (300)")
parser.add_argument("--epochs", type=int, default=25)
parser.add_argument("--tau", type=float, default=0.2, help="step size of the first epoch (0.2)")
parser.add_argument("--fall", type=float, default=0.9, help="its factor from epoch to epoch (0.9)")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

X_train, y_train, X_test, y_test = mnist()


def tau(epoch):
    return options.tau * options.fall**epoch


network = BackpropClassifier(tuple(options.hidden), learning_rate=tau, random_state=options.seed)
print(f"{network.hidden_layer_sizes} hidden units, {network.activation}, {network.loss}, seed {options.seed}")
print("epoch     tau      loss  test error   seconds")
seconds, smallest = 0.0, 1.0
for epoch in range(options.epochs):
    start = time.perf_counter()
    network.partial_fit(X_train, y_train, classes=range(10))
    seconds += time.perf_counter() - start
    error = 1 - network.score(X_test, y_test)
    smallest = min(smallest, error)
    print(f"{epoch + 1:5} {tau(epoch):7.4f} {network.loss_:9.5f} {error:10.2%} {seconds:10.2f}", flush=True)
print(f"test error after the last epoch {error:.2%}; lowest of all epochs {smallest:.2%}")
print(f"{seconds / network.t_ * 1e6:.1f} µs per step")
